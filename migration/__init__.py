"""Cutover: moves a lending platform from a third-party escrow into bank custody."""

__version__ = "0.1.0"
