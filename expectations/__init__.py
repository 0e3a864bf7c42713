"""The gates: rules as data, judged by Great Expectations."""
