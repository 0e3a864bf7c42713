"""The command line's verbs, by what they are about. Wiring only: each calls one function of the rooms below."""
