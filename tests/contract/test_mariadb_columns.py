"""What MariaDB's own column types and habits become: read as it is meant, or refused with a finding by key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from migration.legacy import LegacyPlatform, Vault
from migration.legacy.options import options
from tests.contract.test_legacy import FixedClock
from tests.support import servers

pytestmark = pytest.mark.mariadb

ROWS = {
    "escrow_accounts": "escrow_id, user_id, available, frozen",
    "listings": "listing_id, borrower_id, title, amount, annual_rate, repayment_method, term_days, value_date, "
    "maturity_date, status",
    "schedules": "listing_id, period, due_date, principal, interest, principal_paid, interest_paid",
    "debts": "debt_id, listing_id, lender_id, principal, interest, bonus_interest, acquired_on, origin, status",
}
EMPTY = {
    name: f"SELECT {', '.join(f'NULL AS {c}' for c in columns.split(', '))} FROM DUAL WHERE 1 = 0"
    for name, columns in ROWS.items()
}
USERS = {
    "user_id": "CAST(id AS CHAR)", "kind": "'person'", "name": "'x'", "id_type": "'id_card'", "id_no": "'1'",
    "phone": "'1'", "verified_at": "NULL", "status": "'active'", "registered_at": "'2017-01-02 03:04:05'",
}  # fmt: skip


@pytest.fixture
def url() -> Iterator[str]:
    yield from servers.mariadb()


def made(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in ("SET sql_mode = ''", "SET time_zone = '+00:00'", *statements):
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    engine.dispose()


def read(
    url: str, place: Path, columns: dict[str, str], formats: dict[str, str] | None = None, values: Any = None
) -> tuple[list[dict[str, Any]], list[tuple[str, str, str]]]:
    """Users as they are read from table t, and (key, column, code) of what could not be taken."""
    select = ", ".join(f"{expression} AS {name}" for name, expression in (USERS | columns).items())
    given = options("yuan", {"users": values or {}}, {"users": formats or {}})
    entities = EMPTY | {"users": f"SELECT {select} FROM t"}
    legacy = LegacyPlatform(url, "yuan", entities, place, Vault.open(place, {}), FixedClock(), given)
    snapshot = legacy.take()
    issues = [(r["key"], r["column"], r["code"]) for r in legacy.issues(snapshot).to_pylist()]
    return legacy.load(snapshot, "users").to_pylist(), issues


def test_utf8_and_gbk_that_were_stored_under_the_name_of_latin1(url, tmp_path):
    made(
        url,
        "CREATE TABLE t (id INT, u VARCHAR(60), g VARCHAR(60)) CHARACTER SET latin1",
        f"INSERT INTO t VALUES (1, X'{'张三·阿'.encode().hex()}', X'{'张三'.encode('gbk').hex()}'), (2, 'Smith', 'Smith'), "
        "(3, X'E9', X'81')",
    )
    users, issues = read(url, tmp_path, {"name": "u"}, {"name": "utf8_in_latin1"})
    assert [user["name"] for user in users] == ["张三·阿", "Smith", None]
    assert issues == [("3", "name", "VALUE_INVALID")]
    users, issues = read(url, tmp_path, {"name": "g"}, {"name": "gbk_in_latin1"})
    assert [user["name"] for user in users] == ["张三", "Smith", None]
    assert issues == [("3", "name", "VALUE_INVALID")]


def test_ids_keep_their_zeros_and_unsigned_numbers_their_size(url, tmp_path):
    made(
        url,
        "CREATE TABLE t (id INT(8) UNSIGNED ZEROFILL, big BIGINT UNSIGNED, medium MEDIUMINT(6) UNSIGNED ZEROFILL)",
        "INSERT INTO t VALUES (42, 18446744073709551615, 7), (4294967295, 9223372036854775808, 999999)",
    )
    users, issues = read(url, tmp_path, {"user_id": "id", "id_no": "big", "phone": "medium"})
    assert [(u["user_id"], u["id_no"], u["phone"]) for u in users] == [
        ("00000042", "18446744073709551615", "000007"),
        ("4294967295", "9223372036854775808", "999999"),
    ]
    assert issues == []


def test_tinyint_1_and_bit_are_numbers_and_not_truth_values(url, tmp_path):
    made(
        url,
        "CREATE TABLE t (id INT, flag TINYINT(1), bits BIT(3))",
        "INSERT INTO t VALUES (1, 1, b'001'), (2, 2, b'010'), (3, -9, b'111'), (4, NULL, NULL)",
    )
    sex = {"sex": {"1": "M", "2": "F"}}
    for column in ("flag", "bits"):
        users, issues = read(url, tmp_path, {"sex": column}, values=sex)
        assert [user["sex"] for user in users] == ["M", "F", None, None]
        assert issues == [("3", "sex", "VALUE_INVALID")]


def test_zero_dates_are_findings_unless_they_are_mapped(url, tmp_path):
    made(
        url,
        "CREATE TABLE t (id INT, d DATE, dt DATETIME, ts TIMESTAMP NULL)",
        "INSERT INTO t VALUES (1, '0000-00-00', '0000-00-00 00:00:00', 0), (2, '2017-00-10', '2017-02-00 01:00:00', NULL), "
        "(3, '2017-11-18', '2017-11-18 01:02:03', '2017-11-18 01:02:03')",
    )
    for column in ("d", "dt", "ts"):
        users, issues = read(url, tmp_path, {"verified_at": column})
        wrong = ["1"] if column == "ts" else ["1", "2"]
        assert issues == [(key, "verified_at", "DATE_INVALID") for key in wrong]
        assert [user["verified_at"] is None for user in users] == [True, True, False]
    never = {"verified_at": {"0000-00-00 00:00:00": ""}}
    _, issues = read(url, tmp_path, {"verified_at": "ts"}, values=never)
    assert issues == []


def test_every_kind_of_clock_shows_the_day_that_the_customer_saw(url, tmp_path):
    """23:30 on New Year's Eve in China is 15:30 UTC; a TIMESTAMP is shown in China's time whatever the server's zone is."""
    made(
        url,
        "CREATE TABLE t (id INT, ts TIMESTAMP NULL, here DATETIME(6), utc DATETIME, s INT UNSIGNED, ms BIGINT, c CHAR(14))",
        "INSERT INTO t VALUES (1, '2016-12-31 15:30:00', '2016-12-31 23:30:00.000250', '2016-12-31 15:30:00', "
        "1483198200, 1483198200250, '20161231233000')",
    )
    eve = datetime(2016, 12, 31, 23, 30)
    for column, how, fraction in (
        ("ts", "local", 0), ("here", "local", 250), ("utc", "utc", 0), ("s", "unix_s", 0), ("ms", "unix_ms", 250_000),
        ("c", "compact", 0),
    ):  # fmt: skip
        users, issues = read(url, tmp_path, {"registered_at": column}, {"registered_at": how})
        assert users[0]["registered_at"] == eve.replace(microsecond=fraction), how
        assert users[0]["registered_at"].date() == date(2016, 12, 31)
        assert issues == []
