"""Deterministic simulation: the real stages on ports in memory, one seed one schedule."""
