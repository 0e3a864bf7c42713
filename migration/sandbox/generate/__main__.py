"""`python -m migration.sandbox.generate`: the same as `cutover sandbox generate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .platform import generate


def main(arguments: list[str] | None = None) -> int:
    """Parse, generate, print one line a table; 2 on bad usage."""
    parser = argparse.ArgumentParser(prog="python -m migration.sandbox.generate", description=__doc__)
    for name in ("users", "listings", "debts", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--hazards", default="all", help="all, none, or names with commas: H1,H3")
    parser.add_argument("--url", required=True, help="any SQLAlchemy URL")
    parser.add_argument("--truth", type=Path, help="where to write what was planted, as JSON")
    given = parser.parse_args(arguments)
    try:
        made = generate(**vars(given))
    except ValueError as error:
        parser.error(str(error))
    for table, count in made["rows"].items():
        sys.stdout.write(f"{table:16} {count:>10,}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
