"""A second bank, small enough to be read in a minute: JSON lines, and every owner activates his account himself.

`profile.py` is what a bank brings for the bank room, `reader.py` what somebody else wrote for the verifier, `desk.py` the bank.
"""
