"""`python -m migration.sandbox.escrow --books FILE --port P [--fault KIND=PERCENT ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from migration.sandbox.escrow.server import KINDS, Faults, serve


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="sandbox.escrow", description="the legacy escrow, to rehearse withdrawals with"
    )
    parser.add_argument("--books", type=Path, required=True, help="the file of its own books")
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=PERCENT", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=0, help="which payments are struck")
    parser.add_argument("--hang", type=float, default=30.0, help="seconds that a time-out keeps the caller waiting")
    parser.add_argument("--settle", type=float, default=1200.0, help="seconds of its clock until a payment ends")
    found = parser.parse_args()
    try:
        faults = Faults.told(found.fault, seed=found.seed, hang_s=found.hang, settle_s=found.settle)
    except ValueError as wrong:
        parser.error(str(wrong))
    serve(found.books, found.port, faults)


if __name__ == "__main__":
    main()
