"""A query channel to the sandbox bank over real HTTPS, and to put beside a rehearsal."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from migration.bank.asking import JxInquiries
from migration.bank.profile import JxProfile
from migration.bank.query import Identity, Patience, QueryClient, trusting
from migration.bank.signing import SM2, load_checker, load_signer
from migration.sandbox.bank.ledger import Customer
from migration.sandbox.bank.movements import Movement
from migration.sandbox.bank.query_desk import QueryDesk
from migration.sandbox.bank.query_keys import PASSWORD, prepare
from migration.sandbox.bank.query_server import serving
from tests.support.rehearsal import Rehearsal

DAY = date(2017, 11, 18)


def keys(folder: Path, made: Path) -> None:
    """Keys for a bank whose state is `folder`: made once a test run, in `made`, and copied."""
    prepare(made)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(made, folder / "query", dirs_exist_ok=True)


NUMBERS = itertools.count()
"""Of all clients together: the bank refuses a number that comes twice in a second."""


def client(url: str, folder: Path, clock: Any, *, algorithm: str = "rsa-sha256", **changes: Any) -> QueryClient:
    """The product's client with the keys that the sandbox hands out."""
    secret, known = (
        ("platform_sm2.key", "bank_sm2.pub") if algorithm == SM2 else ("platform.p12", changes.pop("known", "bank.pem"))
    )
    values: dict[str, Any] = {
        "identity": Identity("00000187", "30050000"),
        "signer": load_signer(algorithm, folder / secret, PASSWORD),
        "checker": load_checker(algorithm, folder / known),
        "clock": clock,
        "numbers": NUMBERS.__next__,
        "business_date": DAY,
        "trust": trusting(folder / "tls.pem"),
        "patience": Patience(timeout_s=1.0, tries=3, pause_s=0.5),
    }
    return QueryClient(url, **(values | changes))


def customer(desk: QueryDesk, account: str, fen: int, number: int = 1) -> None:
    """Somebody with an account at the bank and so much on it."""
    who = Customer(account, f"U{number}", f"i{number}", "", "01", "", f"p{number}", "person", "S", "", number)
    with desk.ledger.transaction():
        desk.ledger.add_customer(who)
        desk.ledger.add_movements([Movement("20171119", f"{number:06d}", account, "credit", fen, fen, "", "o", "")])


@contextmanager
def asked(case: Rehearsal, made: Path, **changes: Any) -> Iterator[QueryDesk]:
    """The rehearsal's bank answers questions, too."""
    state = case.root / "state"
    keys(state, made)
    with serving(state, case.plan) as (url, desk):
        one = client(url, state / "query", case.clock, **changes)
        case.inquiries = JxInquiries(JxProfile("0110", "000187", "MP"), one)
        try:
            yield desk
        finally:
            one.close()
