"""The third-party schema of docs/mapping.md, filled with a platform that also exists in the canonical columns."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from migration.legacy.options import Options, options
from tests.contract.platforms import Tables
from tests.support.platform import small

PAGE = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
KINDS = {"person": 1, "company": 2, "platform": 9}
ID_TYPES = {"id_card": 1, "uscc": 2, "org_code": 3}
METHODS = {"equal_instalment": 1, "equal_principal": 2, "interest_monthly": 3, "at_maturity": 4}


def block(language: str) -> str:
    """A code block of the page."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found.group(1)


def configuration() -> tuple[str, dict[str, str], Options]:
    """Money unit, SELECTs and options as the page has them."""
    legacy = tomllib.loads(block("toml"))["legacy"]
    return legacy["money_unit"], legacy["entities"], options(legacy["money_unit"], legacy["values"], legacy["formats"])


def canonical(listings: int = 3) -> Tables:
    """The platform in the fixed columns: ids of eight digits, as the third party's zero-filled numbers read."""
    tables = small(listings)
    ids = {user["user_id"]: f"{n:08d}" for n, user in enumerate(tables["users"], 1)}
    for n, user in enumerate(tables["users"]):
        user["sex"] = [None, "M", "F"][n % 3]
        user["last_active_at"] = None if n == 1 else user["last_active_at"]
        user["verified_at"] = None if n == 3 else user["verified_at"]
    for n, listing in enumerate(tables["listings"]):
        listing["repayment_method"] = list(METHODS)[n % 4]
        listing["interest_day"] = None if n == 1 else listing["interest_day"]
    return {
        name: [{c: ids.get(v, v) if isinstance(v, str) else v for c, v in r.items()} for r in rows]
        for name, rows in tables.items()
    }


def build(url: str, tables: Tables) -> None:
    """Make the page's tables and put the platform into them, written as the third party writes."""
    engine = sa.create_engine(url)
    bids = {listing["listing_id"]: n for n, listing in enumerate(tables["listings"], 7)}
    rows: dict[str, list[tuple[Any, ...]]] = {
        "lc_member": [_member(user) for user in tables["users"]],
        "lc_purse": [
            (e["escrow_id"], int(e["user_id"]), fen(e["available"]), fen(e["frozen"]), e["bound_card"])
            for e in tables["escrow_accounts"]
        ],
        "lc_borrow": [_borrow(listing, bids) for listing in tables["listings"]],
        "lc_repay": [
            (bids[s["listing_id"]], s["period"], compact(s["due_date"]), *(fen(s[c]) for c in MONEY))
            for s in tables["schedules"]
        ],
        "lc_right": [_right(debt, bids) for debt in tables["debts"]],
    }
    with engine.begin() as connection:
        if engine.dialect.name == "mysql":
            connection.exec_driver_sql("SET sql_mode = ''")
        for statement in filter(str.strip, ddl(engine.dialect.name).split(";")):
            connection.exec_driver_sql(statement)
        for table, some in rows.items():
            mark = "?" if engine.dialect.name == "sqlite" else "%s"
            marks = ", ".join([mark] * len(some[0]))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", some)
    engine.dispose()


MONEY = ("principal", "interest", "principal_paid", "interest_paid")


def ddl(dialect: str) -> str:
    """MySQL shows the ids with their zeros, as such schemas have it."""
    text = block("sql")
    if dialect == "mysql":
        text = text.replace(" uid INT(8) UNSIGNED", " uid INT(8) UNSIGNED ZEROFILL")
        return text.replace(");", ") CHARACTER SET utf8mb4;")
    return text.replace(" UNSIGNED", "")  # SQLite has no such word


def fen(amount: str) -> int:
    return int(Decimal(amount) * 100)


def compact(day: str) -> str:
    return day.replace("-", "")


def unix(moment: str | None) -> int:
    """Seconds since 1970 UTC of a moment in China's time; 0 for never."""
    if moment is None:
        return 0
    return int((datetime.fromisoformat(moment).replace(tzinfo=UTC) - timedelta(hours=8)).timestamp())


def _member(user: dict[str, Any]) -> tuple[Any, ...]:
    return (
        int(user["user_id"]), KINDS[user["kind"]], user["name"], ID_TYPES[user["id_type"]], user["id_no"],
        {None: 0, "M": 1, "F": 2}[user["sex"]], user["phone"], user["email"], user["corporate_account"],
        unix(user["verified_at"]), 1, unix(user["registered_at"]), user["last_active_at"] or "0000-00-00 00:00:00",
    )  # fmt: skip


def _borrow(listing: dict[str, Any], bids: dict[str, int]) -> tuple[Any, ...]:
    return (
        bids[listing["listing_id"]], listing["listing_id"], int(listing["borrower_id"]), int(listing["guarantor_id"] or 0),
        listing["title"], fen(listing["amount"]), int(Decimal(listing["annual_rate"]) * 100),
        METHODS[listing["repayment_method"]], listing["term_days"], listing["interest_day"] or 0,
        compact(listing["value_date"]), compact(listing["maturity_date"]), {"repaying": 30}[listing["status"]],
    )  # fmt: skip


def _right(debt: dict[str, Any], bids: dict[str, int]) -> tuple[Any, ...]:
    return (
        debt["debt_id"], bids[debt["listing_id"]], int(debt["lender_id"]), fen(debt["principal"]), fen(debt["interest"]),
        fen(debt["bonus_interest"]), unix(f"{debt['acquired_on']} 00:00:00"), 1, 1,
    )  # fmt: skip
