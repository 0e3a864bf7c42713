"""Measured: the verifier beside other ways of comparing."""
