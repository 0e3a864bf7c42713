"""The independent verifier (独立核对): it reads both sides again and computes by itself.

It shares no code with what moves the data: plain tables and raw bytes go in, findings come out. Imports the standard
library, numpy, pyarrow and duckdb only (architecture.md, rule 4).
"""
