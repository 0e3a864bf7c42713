"""Measured work: figures in benchmarks/README.md; never a timed test."""
