"""Reads the legacy platform: any SQLAlchemy URL to Arrow, and the frozen snapshot."""
