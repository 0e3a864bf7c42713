"""Compares what the bank says it holds with the cutover, and proves on planted changes that the comparison sees.

Its tables come in parts (one part is what one round of questions brought), so that replies are never kept as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from migration.verification.at_bank import CHECKS, OF_DEBTS, VIEWS
from migration.verification.evidence import Evidence
from migration.verification.workbench import Workbench

Part = Mapping[str, pa.Table]
"""accounts: account_no, id_no, name; listings: listing_id, account_no, amount_fen, title, term_days and the parties'
accounts; debts: debt_id, account_no, listing_id, amount_fen, authcode, end_date. Money in fen."""
Failing = dict[str, list[str]]

TABLES: Final = {
    "accounts": "account_no VARCHAR, id_no VARCHAR, name VARCHAR",
    "listings": "listing_id VARCHAR, account_no VARCHAR, amount_fen BIGINT, title VARCHAR, term_days BIGINT,"
    " guarantor_account VARCHAR, nominal_account VARCHAR, payee_account VARCHAR",
    "debts": "debt_id VARCHAR, account_no VARCHAR, listing_id VARCHAR, amount_fen BIGINT, authcode VARCHAR, end_date DATE",
}

_COPY: Final = "INSERT INTO h_listings SELECT * REPLACE"
_DEBT: Final = "WHERE debt_id = (SELECT min(h.debt_id) FROM h_debts h JOIN due_debts e ON e.debt_id = h.debt_id)"
_LISTING: Final = (
    "WHERE listing_id = (SELECT min(h.listing_id) FROM h_listings h JOIN due_listings e ON e.listing_id = h.listing_id)"
)
_ACCOUNT: Final = "WHERE id_no = (SELECT min(h.id_no) FROM h_accounts h JOIN due_accounts e ON e.id_no = h.id_no)"
PLANTS: Final = (
    ("bank.accounts_missing", "accounts", f"DELETE FROM h_accounts {_ACCOUNT}"),
    ("bank.accounts_differ", "accounts", f"UPDATE h_accounts SET account_no = reverse(account_no) || 'x' {_ACCOUNT}"),
    ("bank.listings_missing", "listings", f"DELETE FROM h_listings {_LISTING}"),
    ("bank.listings_differ", "listings", f"UPDATE h_listings SET amount_fen = amount_fen + 1 {_LISTING}"),
    ("bank.listings_extra", "listings", f"{_COPY} ('?' AS listing_id) FROM h_listings {_LISTING}"),
    ("bank.debts_missing", "debts", f"DELETE FROM h_debts {_DEBT}"),
    ("bank.debts_holder", "debts", f"UPDATE h_debts SET account_no = account_no || 'x' {_DEBT}"),
    ("bank.debts_differ", "debts", f"UPDATE h_debts SET amount_fen = amount_fen + 1 {_DEBT}"),
    ("bank.debts_twice", "debts", f"INSERT INTO h_debts SELECT * FROM h_debts {_DEBT}"),
    ("bank.debts_extra", "debts", f"INSERT INTO h_debts SELECT * REPLACE ('?' AS debt_id) FROM h_debts {_DEBT}"),
)  # fmt: skip
"""The check that has to see it, the table it is planted into, the change: each to one row that is right."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What was read back and what is wrong: keys by check, all of them; SHA-256 hex over the sorted rows by entity."""

    failing: Mapping[str, list[str]]
    blind: tuple[str, ...]  # checks that did not see what was planted for them, or others that did
    rows: Mapping[str, int]
    due: Mapping[str, int]
    digests: Mapping[str, str]


def compare(evidence: Evidence, parts: Iterable[Part]) -> ReadBack:
    """Compare. The parts are taken one after the other; whatever their source raises goes through."""
    with Workbench(evidence) as bench:
        for name, columns in TABLES.items():
            bench.change(f"CREATE TABLE h_{name} ({columns})")
        _due(bench)
        for part in parts:
            for name, table in part.items():
                bench.append(f"h_{name}", table.select(_names(name)))
        failing = _ask(bench)
        return ReadBack(
            failing,
            tuple(_blind(bench, failing)),
            {name: bench.row(f"SELECT count(*) FROM h_{name}")[0] for name in TABLES},
            {name: bench.row(f"SELECT count(*) FROM due_{name}")[0] for name in TABLES},
            {name: _digest(bench, name) for name in TABLES},
        )


def _due(bench: Workbench) -> None:
    """What has to stand at the bank: of debts, one window after the other."""
    for name, sql in VIEWS.items():
        bench.change(f"CREATE TEMP TABLE {name} AS {sql}{' LIMIT 0' * (name in OF_DEBTS)}")
    for _ in bench.windows("debts"):
        for name in OF_DEBTS:
            bench.change(f"INSERT INTO {name} {VIEWS[name]}")


def _names(table: str) -> list[str]:
    return [column.split()[0] for column in TABLES[table].split(",")]


def _ask(bench: Workbench) -> Failing:
    return {spec.name: bench.keys(spec.sql) for spec in CHECKS}


def _blind(bench: Workbench, before: Failing) -> Iterator[str]:
    """One change after the other: what comes up must be one key of that one check.

    Asked only when all is well: a comparison that found something has shown that it sees.
    """
    if any(before.values()):
        return
    for name, table, change in PLANTS:
        if not bench.row(f"SELECT count(*) FROM due_{table}")[0]:
            continue  # there is nothing to plant into
        with bench.undone():
            bench.change(change)
            after = _ask(bench)
        if {check: len(keys) for check, keys in after.items() if keys} != {name: 1}:
            yield name


def _digest(bench: Workbench, name: str) -> str:
    digest = hashlib.sha256()
    for row in bench.stream(f"SELECT * FROM h_{name} ORDER BY ALL"):
        digest.update(json.dumps(row, default=str, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()
