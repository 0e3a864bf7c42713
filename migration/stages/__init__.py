"""The order of work: one lifecycle, and what each stage does differently."""
