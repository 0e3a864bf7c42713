"""The journal: PostgreSQL, the system of record."""
