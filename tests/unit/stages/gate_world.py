"""A small platform at the end of its cutover, as the gates see it: every measure of every gate is known, every rule holds.

users     A1 borrower · A2 lender, opened by FLAG N · A3 the same person under a 15-digit number, merged into A2 ·
          A4 company, guarantor · A5 lender refused by the bank and signed · A6 unverified · C1 closed · P1 platform
listings  L1 repaying: lent 2000, owes 1000 · L2 finished · L3 raising
debts     D1 600 of A2 · D2 300 of A3 · D3 100 of A5 · D4 finished · D5 of nothing
cash      E1 50 of A1 · E3 10 + 5 frozen of A3 · EP 7 of P1; in flight: a top-up of 20 and a bid of 5
files     1 persons · 2 company · 3 listings, sample · 4 debts, sample · 5 debts, the rest
"""

from dataclasses import replace
from datetime import date, datetime

import pyarrow as pa

from migration.domain.tables import EXCEPTIONS, EXPORTS, ISSUES, ITEMS, RESENDS, SNAPSHOT
from migration.stages.measures import MeasureInput
from migration.verification.at_bank import CHECKS

DAY = date(2017, 11, 18)
THEN = datetime(2016, 1, 1, 12)
SHA = "ab" * 32


def check_digit(body):
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


def id_card(body):
    return body + check_digit(body)


def account(number):
    """A number of 19 digits with its Luhn digit, computed the long way."""
    body = f"621246{number:012d}"
    digits = [int(d) for d in reversed(body)]
    total = sum(sum(divmod(d * 2, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
    return body + str(-total % 10)


def table(schema, rows):
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


ONE = {"kind": "person", "status": "active", "registered_at": THEN, "verified_at": THEN, "id_type": "id_card"}
USERS = [
    ONE | {"user_id": "A1", "name": "张甲", "id_no": id_card("11010119800101001"), "phone": "13800000001"},
    ONE | {"user_id": "A2", "name": "李 乙", "id_no": id_card("11010119810202002"), "phone": "13800000002"},
    ONE
    | {"user_id": "A3", "name": "李乙", "id_no": "110101810202002", "phone": "13800000003", "id_type": "id_card_15"},
    ONE | {"user_id": "A4", "name": "某公司", "id_no": "91350100M000100Y43", "kind": "company", "id_type": "uscc"},
    ONE | {"user_id": "A5", "name": "王丙", "id_no": id_card("11010119820303003"), "phone": "13800000005"},
    ONE | {"user_id": "A6", "name": "赵丁", "verified_at": None, "id_type": None},
    ONE | {"user_id": "C1", "name": "周戊", "id_no": id_card("11010119830404004"), "status": "closed"},
    ONE | {"user_id": "P1", "name": "平台", "kind": "platform", "verified_at": None, "id_type": None},
]
LOAN = {
    "amount": 2000, "repayment_method": "at_maturity", "term_days": 365, "annual_rate": "12",
    "value_date": date(2017, 1, 1), "maturity_date": date(2018, 1, 1), "borrower_id": "A1", "title": "借款",
}  # fmt: skip
OWED = {"interest": 9, "bonus_interest": 1, "origin": "bid", "status": "open", "listing_id": "L1"}
SNAP = {
    "users": USERS,
    "escrow_accounts": [
        {"escrow_id": "E1", "user_id": "A1", "available": 50, "frozen": 0},
        {"escrow_id": "E3", "user_id": "A3", "available": 10, "frozen": 5},
        {"escrow_id": "EP", "user_id": "P1", "available": 7, "frozen": 0},
    ],
    "elections": [],
    "listings": [
        LOAN | {"listing_id": "L1", "status": "repaying", "guarantor_id": "A4"},
        LOAN | {"listing_id": "L2", "status": "finished"},
        LOAN | {"listing_id": "L3", "status": "raising"},
    ],
    "schedules": [
        {
            "listing_id": "L1",
            "period": 1,
            "principal": 1000,
            "interest": 20,
            "principal_paid": 1000,
            "interest_paid": 20,
        },
        {"listing_id": "L1", "period": 2, "principal": 1000, "interest": 10, "principal_paid": 0, "interest_paid": 0},
    ],
    "debts": [
        OWED | {"debt_id": "D1", "lender_id": "A2", "principal": 600},
        OWED | {"debt_id": "D2", "lender_id": "A3", "principal": 300, "origin": "assignment"},
        OWED | {"debt_id": "D3", "lender_id": "A5", "principal": 100},
        OWED | {"debt_id": "D4", "lender_id": "A2", "principal": 40, "status": "finished", "listing_id": "L2"},
        OWED | {"debt_id": "D5", "lender_id": "A2", "principal": 0, "interest": 0, "bonus_interest": 0},
    ],
    "extensions": [],
    "authorisations": [{"serial": "S1", "user_id": "A2", "kind": "auto_bid"}],
    "in_flight": [
        {"id": "T1", "kind": "top_up", "user_id": "A1", "amount": 20},
        {"id": "B1", "kind": "bid", "user_id": "A3", "amount": 5},
    ],
}


def _item(key, batch, state="ok", **more):
    return {"key": key, "state": state, "business_date": DAY, "batch_no": batch, "amount_fen": 0, "round": 1} | more


ITEM = {
    "users": [
        _item("A1", "000001", code="000", account_no=account(1), activated=False),
        _item("A2", "000001", code="000", account_no=account(2), activated=True),
        _item("A5", "000001", "refused", code="106"),
        _item("A4", "000002", code="000", account_no=account(4), activated=False),
    ],
    "listings": [_item("L1", "000003", code="00", amount_fen=2000, sample=True)],
    "debts": [
        _item("D1", "000004", code="00", amount_fen=600, authcode="C1", sample=True),
        _item("D2", "000005", code="00", amount_fen=300, authcode="C2", sample=False),
    ],
    "authorisations": [],
}


def _user(user_id, disposition, reason, kept=None, **more):
    return {"user_id": user_id, "disposition": disposition, "reason": reason, "kept_user_id": kept or user_id} | more


def _debt(debt_id, disposition, reason, lender, fen, **more):
    return {
        "debt_id": debt_id, "disposition": disposition, "reason": reason, "listing_id": "L1", "legacy_lender_id": lender,
        "holder_user_id": lender, "principal_fen": fen, "interest_fen": 9, "bonus_interest_fen": 1,
    } | more  # fmt: skip


BOOK = {
    "users": [
        _user("A1", "opened", "OPENED_S", account_no=account(1), activated=False),
        _user("A2", "opened", "OPENED_N", account_no=account(2), activated=True),
        _user("A3", "merged", "MERGED", "A2"),
        _user("A4", "opened", "OPENED_S", account_no=account(4), activated=False),
        _user("A5", "excepted", "BANK_106"),
        _user("A6", "self_open", "UNVERIFIED"),
        _user("C1", "closed", "CLOSED"),
        _user("P1", "closed", "PLATFORM_ACCOUNT"),
    ],
    "listings": [
        {"listing_id": "L1", "disposition": "registered", "reason": "REGISTERED", "borrower_account": account(1),
         "amount_fen": 2000, "outstanding_fen": 1000, "batch_no": "000003"},
        {"listing_id": "L2", "disposition": "not_migrated", "reason": "FINISHED", "amount_fen": 2000, "outstanding_fen": 0},
        {"listing_id": "L3", "disposition": "not_migrated", "reason": "NOT_LENT", "amount_fen": 2000, "outstanding_fen": 0},
    ],
    "debts": [
        _debt("D1", "registered", "REGISTERED", "A2", 600, holder_account=account(2), authcode="C1", batch_no="000004"),
        _debt("D2", "registered", "REGISTERED", "A3", 300, holder_user_id="A2", holder_account=account(2),
              authcode="C2", batch_no="000005"),
        _debt("D3", "excepted", "BANK_106", "A5", 100),
        _debt("D4", "not_migrated", "FINISHED", "A2", 40, listing_id="L2", holder_account=account(2)),
        _debt("D5", "not_migrated", "ZERO", "A2", 0, interest_fen=0, bonus_interest_fen=0, holder_account=account(2)),
    ],
    "residuals": [
        {"escrow_id": "E1", "legacy_user_id": "A1", "entitled_user_id": "A1", "available_fen": 50, "frozen_fen": 0,
         "status": "available"},
        {"escrow_id": "E3", "legacy_user_id": "A3", "entitled_user_id": "A2", "available_fen": 10, "frozen_fen": 5,
         "status": "available"},
        {"escrow_id": "EP", "legacy_user_id": "P1", "entitled_user_id": "P1", "available_fen": 7, "frozen_fen": 0,
         "status": "available"},
    ],
}  # fmt: skip


def _batch(number, kind, rows, fen, *, sample=False, part=1):
    return {
        "batch_no": f"{number:06d}", "business_date": DAY, "stage": "x", "round": 1, "kind": kind, "sample": sample,
        "part": part, "request_name": f"Q{number}", "request_sha256": f"{number:064x}", "rows": rows, "sum_fen": fen,
        "result_name": f"R{number}", "result_sha256": SHA, "state": "applied",
    }  # fmt: skip


BATCHES = [
    _batch(1, "person", 3, 0),
    _batch(2, "company", 1, 0),
    _batch(3, "listing", 1, 2000, sample=True),
    _batch(4, "debt", 1, 600, sample=True),
    _batch(5, "debt", 1, 300),
]
SIGNED = [{"id": "X1", "entity": "users", "key": "A5", "code": "BANK_106", "state": "signed", "amount_fen": 100}]

WORLD = {
    "snapshot": SNAP,
    "items": ITEM,
    "book": BOOK,
    "issues": [],
    "batches": BATCHES,
    "exceptions": SIGNED,
    "resends": [],
}
_SCHEMAS = {"batches": EXPORTS["batches"], "exceptions": EXCEPTIONS, "issues": ISSUES, "resends": RESENDS}


def facts(changes=(), **scalars):
    """The world as MeasureInput, after `changes`: (place, key column, key, new cells), with None for a row taken away
    and a key that is not there for a row added. `place` is like `book.debts` or `batches`.
    """
    rows = {
        f"{group}.{name}": [dict(row) for row in entity]
        for group in ("snapshot", "items", "book")
        for name, entity in WORLD[group].items()
    } | {name: [dict(row) for row in WORLD[name]] for name in _SCHEMAS}
    for place, column, key, cells in changes:
        _change(rows[place], column, key, cells)
    made = MeasureInput(
        business_date=DAY,
        snapshot={name: table(SNAPSHOT[name], rows[f"snapshot.{name}"]) for name in SNAP},
        items={name: table(ITEMS, rows[f"items.{name}"]) for name in ITEM},
        book={name: table(EXPORTS[name], rows[f"book.{name}"]) for name in BOOK},
        recorded_counts={name: len(entity) for name, entity in SNAP.items()},
        overdue_policy="signed_exception",
        account_pattern="621246[0-9]{13}",
        rows_per_file=9999,
        given=dict.fromkeys(GIVEN, 0),
        **{name: table(schema, rows[name]) for name, schema in _SCHEMAS.items()},
    )
    return replace(made, **scalars)


GIVEN = (
    "given.snapshot.entities_changed",
    "given.verification.planted_unseen",
    "given.verification.differences",
    "given.journal.chain_breaks",
    "given.bank.blind",
    *(f"given.{spec.name}" for spec in CHECKS),
)


def _change(rows, column, key, cells):
    found = [row for row in rows if row[column] == key]
    if cells is None:
        for row in found:
            rows.remove(row)
    elif found:
        for row in found:
            row.update(cells)
    else:
        rows.append({column: key} | cells)
