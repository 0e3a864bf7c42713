"""The outcomes written by hand in sample_data/README.md, read out of its tables."""

import re

from tests.oracle.files import SAMPLE

KEYS = {
    "users": lambda row: row["user_id"],
    "listings": lambda row: row["listing_id"],
    "debts": lambda row: row["debt_id"],
    "residuals": lambda row: row["escrow_id"],
    "authorisations": lambda row: row["serial"],
    "schedules": lambda row: f"{row['listing_id']}/{row['period']}",
}


def by_hand():
    """(export, key, {column: text}) of each claim; for notices {"kinds": [...]}."""
    for span in re.findall(
        r"`((?:users|listings|debts|residuals|authorisations|schedules|notices) [^`]+)`",
        (SAMPLE / "README.md").read_text("utf-8"),
    ):
        export, key, *claims = span.split()
        if export == "notices":
            yield export, key, {"kinds": claims}
        else:
            yield export, key, dict(claim.split("=", 1) for claim in claims)
