"""Does the suite see? Planted defects, each by name, and mutants of the money, journal and gate code.

Both change live functions in a forked child and run tests there. No file is changed on disk.
"""
