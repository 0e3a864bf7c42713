"""A small legacy platform as plain rows, and the ways to put it into a database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

USER = {
    "user_id": "U1",
    "kind": "person",
    "name": "张三",
    "id_type": "id_card",
    "id_no": "110101199003070011",
    "sex": "M",
    "phone": "13800000001",
    "email": None,
    "corporate_account": None,
    "verified_at": "2016-01-02 03:04:05",
    "status": "active",
    "registered_at": "2016-01-01 00:00:00",
    "last_active_at": "2017-11-01 10:20:30",
}
LISTING = {
    "listing_id": "L1",
    "borrower_id": "U1",
    "guarantor_id": None,
    "payee_id": None,
    "nominal_borrower_id": None,
    "title": "借款",
    "amount": "1000.00",
    "annual_rate": "12.5",
    "repayment_method": "equal_instalment",
    "term_days": 30,
    "interest_day": 5,
    "value_date": "2017-10-01",
    "maturity_date": "2018-10-01",
    "status": "repaying",
}
DEBT = {
    "debt_id": "D1",
    "listing_id": "L1",
    "lender_id": "U2",
    "principal": "1000.00",
    "interest": "12.34",
    "bonus_interest": "0.00",
    "acquired_on": "2017-10-01",
    "origin": "bid",
    "status": "open",
}
PERIOD = {
    "listing_id": "L1",
    "period": 1,
    "due_date": "2017-11-01",
    "principal": "1000.00",
    "interest": "12.34",
    "principal_paid": "0.00",
    "interest_paid": "0.00",
}
ESCROW = {
    "escrow_id": "E1",
    "user_id": "U1",
    "available": "12.30",
    "frozen": "0.00",
    "bound_card": "6222000000000001",
    "bound_bank": None,
}
TEMPLATES: dict[str, dict[str, Any]] = {
    "users": USER,
    "escrow_accounts": ESCROW,
    "elections": {"id_no": "110101199003070011", "user_id": "U1", "elected_at": "2017-11-01 00:00:00"},
    "listings": LISTING,
    "schedules": PERIOD,
    "debts": DEBT,
    "extensions": {"listing_id": "L1", "new_maturity_date": "2019-01-01", "consented_at": "2017-11-02 00:00:00"},
    "authorisations": {"serial": "S1", "user_id": "U1", "kind": "auto_bid", "granted_at": "2017-01-01 00:00:00"},
    "in_flight": {"id": "F1", "kind": "top_up", "user_id": "U1", "amount": "5.00", "created_at": "2017-11-17 00:00:00"},
}

MONEY = frozenset(
    {"available", "frozen", "amount", "principal", "interest", "bonus_interest", "principal_paid", "interest_paid"}
)
DAYS = frozenset({"value_date", "maturity_date", "due_date", "acquired_on", "new_maturity_date"})
INSTANTS = frozenset(
    {"verified_at", "registered_at", "last_active_at", "elected_at", "consented_at", "granted_at", "created_at"}
)
INTEGERS = frozenset({"period", "term_days", "interest_day"})

Tables = dict[str, list[dict[str, Any]]]


def row(entity: str, **changes: Any) -> dict[str, Any]:
    """One valid row of an entity, with changes."""
    return {**TEMPLATES[entity], **changes}


def small() -> Tables:
    """One or a few valid rows of every entity, out of key order, with rare characters and leading zeros."""
    return {
        "users": [
            row("users", user_id="b", name="𠮷野㛃·阿卜杜", phone="013800000002"),
            row("users", user_id="007", name="名,字;: -", sex=None, last_active_at=None, verified_at=None),
            row("users", user_id="a", email="a@example.com", kind="company", id_type="uscc"),
            row("users", user_id="B", registered_at="1999-12-31 23:59:59"),
        ],
        "escrow_accounts": [row("escrow_accounts"), row("escrow_accounts", escrow_id="E0", available="21474836.48")],
        "elections": [row("elections")],
        "listings": [row("listings", listing_id="L2", annual_rate="7.25", interest_day=None), row("listings")],
        "schedules": [row("schedules", period=p) for p in (10, 9, 1)],
        "debts": [row("debts", debt_id="D2", principal="99999999999.99"), row("debts")],
        "extensions": [row("extensions")],
        "authorisations": [row("authorisations")],
        "in_flight": [row("in_flight")],
    }


def fill(url: str, tables: Tables, *, typed: bool = False) -> None:
    """Create the tables in a database; `typed` uses DECIMAL, DATE and TIMESTAMP columns, otherwise all is TEXT."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    with engine.begin() as connection:
        for name, rows in tables.items():
            columns = list(rows[0]) if rows else list(TEMPLATES[name])
            table = sa.Table(name, metadata, *(sa.Column(c, _type(c, typed=typed)) for c in columns))
            table.create(connection)
            marks = ", ".join(f":{c}" for c in columns)
            if rows:
                connection.execute(sa.text(f"INSERT INTO {name} VALUES ({marks})"), rows)
    engine.dispose()


def _type(column: str, *, typed: bool) -> Any:
    if column in INTEGERS:
        return sa.Integer()
    if not typed:
        return sa.Text()
    if column in MONEY:
        return sa.Numeric(18, 2)
    if column == "annual_rate":
        return sa.Numeric(9, 5)
    if column in DAYS:
        return sa.Date()
    return sa.DateTime() if column in INSTANTS else sa.String(200)


def in_fen(tables: Tables) -> Tables:
    """The same platform with its amounts in integer fen."""
    return {
        name: [{c: int(Decimal(v) * 100) if c in MONEY else v for c, v in r.items()} for r in rows]
        for name, rows in tables.items()
    }
