"""`python -m migration.sandbox.bank`: run the bank, or `dump` its books as JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from migration.sandbox.bank import BankBusy, PlanError, dump, run, sftp

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 2 bad usage, fault plan or books."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["dump"]:
        return _dump(arguments[1:])
    return _serve(arguments)


def _dump(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="sandbox.bank dump", description="print the bank's books as JSON")
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        books = dump(options.state)
    except FileNotFoundError as error:
        return _complain(error)
    json.dump(books, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    return 0


def _serve(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="sandbox.bank", description="run a custody bank to rehearse with")
    parser.add_argument("--directory", type=Path, required=True, help="exchange directory with out/ and in/")
    parser.add_argument("--state", type=Path, required=True, help="folder of the bank's own books")
    parser.add_argument("--faults", type=Path, help="fault plan, TOML or JSON")
    parser.add_argument("--business-date", help="frozen bank date, YYYY-MM-DD: requests of later days wait")
    parser.add_argument("--sftp", type=int, metavar="PORT", help="serve the exchange by SFTP too; 0: any free port")
    parser.add_argument("--poll", type=float, default=0.2, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="look once and end")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    try:
        run(
            options.directory,
            state=options.state,
            faults=options.faults,
            business_date=options.business_date,
            poll_s=options.poll,
            once=options.once,
            stop=stop,
            announce=partial(print, flush=True),
            doors=() if options.sftp is None else (sftp.door(options.directory, options.state, options.sftp),),
        )
    except (BankBusy, PlanError, ValueError, OSError) as error:
        return _complain(error)
    return 0


def _complain(error: Exception) -> int:
    sys.stderr.write(f"sandbox bank: {error}\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
