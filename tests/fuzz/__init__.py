"""Fuzzing of result files: ours against the second parser of tests/oracle."""
