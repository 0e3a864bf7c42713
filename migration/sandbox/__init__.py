"""A custody bank and a legacy platform to rehearse with. Never imported by the product."""
