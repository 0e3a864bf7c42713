"""Small hand-made users and facts for the tests of the people part; all personal data is invented."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime

import pyarrow as pa

from migration.domain.cohorts import UserBook, UserFacts, user_book
from migration.domain.tables import CORRECTIONS, ISSUES, ITEMS, SIGNATURES, SNAPSHOT
from migration.domain.values import FileLimits

DAY = date(2017, 11, 18)
POLICY = ("election", "party_to_listing", "receivable", "balance", "last_active", "registered", "user_id")
USCC = "91350100M000100Y43"  # the example of GB 32100
ORG_CODE = "D2143569X"  # the example of GB 11714


def check_character(digits: str) -> str:
    """GB 11643 the slow way: sum of a[i] * 2^(18-i) must be 1 modulo 11."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(digits))
    return next("0123456789X"[value] for value in range(11) if (total + value) % 11 == 1)


def id_card(number: int, born: str = "19800101", region: str = "110105") -> str:
    digits = f"{region}{born}{number % 1000:03d}"
    return digits + check_character(digits)


def id_card_15(number: int, born: str = "800101", region: str = "110105") -> str:
    return f"{region}{born}{number % 1000:03d}"


def person(user_id: str, number: int = 0, **changes: object) -> dict[str, object]:
    """A verified, active person nobody objects to; `number` makes ID and phone."""
    card = id_card(number)
    return {
        "user_id": user_id,
        "kind": "person",
        "name": "张三",
        "id_type": "id_card",
        "id_no": card,
        "sex": "M" if number % 2 else "F",
        "phone": f"138{number:08d}",
        "email": None,
        "corporate_account": None,
        "verified_at": datetime(2015, 1, 1),
        "status": "active",
        "registered_at": datetime(2015, 1, 1),
        "last_active_at": None,
    } | changes


def company(user_id: str, number: int = 0, **changes: object) -> dict[str, object]:
    return (
        person(user_id, number)
        | {
            "kind": "company",
            "name": "某某有限公司",
            "id_type": "uscc",
            "id_no": USCC,
            "sex": None,
            "corporate_account": "6222000011",
        }
        | changes
    )


def table(schema: pa.Schema, *rows: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def users_table(*rows: dict[str, object]) -> pa.Table:
    return table(SNAPSHOT["users"], *rows)


def amounts(**fen: int) -> pa.Table:
    return pa.table({"user_id": pa.array(list(fen), pa.string()), "fen": pa.array(list(fen.values()), pa.int64())})


def ids(*user_ids: str) -> pa.Array:
    return pa.array(user_ids, pa.string())


def item(key: str, state: str, **more: object) -> dict[str, object]:
    return {"key": key, "state": state, "business_date": DAY, "batch_no": "000001", "record_no": 1} | more


def election(id_no: str, user_id: str, day: int | None) -> dict[str, object]:
    return {"id_no": id_no, "user_id": user_id, "elected_at": None if day is None else datetime(2017, 10, day)}


def signature(key: str, code: str) -> dict[str, object]:
    return {"entity": "users", "key": key, "code": code, "by": "a", "reason": "r"}


def date_issue(key: str, column: str) -> dict[str, object]:
    return {"entity": "users", "key": key, "column": column, "code": "DATE_INVALID"}


def correction(seq: int, user_id: str, field: str, old: str | None, new: str | None) -> dict[str, object]:
    return {
        "user_id": user_id,
        "field": field,
        "old": old,
        "new": new,
        "reason": "r",
        "by": "b",
        "seq": seq,
        "importer": "i",
    }


def corrections_table(*rows: dict[str, object]) -> pa.Table:
    return table(CORRECTIONS, *rows)


def facts(*rows: dict[str, object], items=(), signatures=(), elections=(), issues=(), **more: object) -> UserFacts:
    """Facts about these users; what is not named is empty."""
    base = UserFacts(
        users=users_table(*rows),
        issues=table(ISSUES, *issues),
        balances=amounts(),
        receivables=amounts(),
        parties=ids(),
        positions=ids(),
        elections=table(SNAPSHOT["elections"], *elections),
        items=table(ITEMS, *items),
        sent=None,
        signatures=table(SIGNATURES, *signatures),
        policy=POLICY,
        business_date=DAY,
        limits=FileLimits(),
    )
    return dataclasses.replace(base, **more)


def book(*rows: dict[str, object], **more: object) -> UserBook:
    return user_book(facts(*rows, **more))


def by_id(users: UserBook) -> dict[str, dict[str, object]]:
    return {row["user_id"]: row for row in users.users.to_pylist()}


def outcome(*rows: dict[str, object], **more: object) -> dict[str, tuple[str, str | None]]:
    """user_id -> (disposition, reason)."""
    return {key: (row["disposition"], row["reason"]) for key, row in by_id(book(*rows, **more)).items()}
