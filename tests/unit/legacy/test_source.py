"""A source that cannot be read as the contract says: one clear error, exit 2, no credentials and no data."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from migration.domain.errors import ConfigurationError
from migration.legacy import LegacyPlatform, Vault, source
from migration.legacy.mapping import check, mask
from migration.legacy.reading import EntityReader
from tests.contract.platforms import fill, row, small

if TYPE_CHECKING:
    from pathlib import Path


class FixedClock:
    def now(self) -> datetime:
        return datetime(2017, 11, 18, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError


def over(url: str, workspace: Path, **entities: str) -> LegacyPlatform:
    return LegacyPlatform(url, "yuan", entities, workspace, Vault.open(workspace, {}), FixedClock())


@pytest.fixture
def url(tmp_path: Path) -> str:
    fill(f"sqlite:///{tmp_path}/legacy.sqlite", small())
    return f"sqlite:///{tmp_path}/legacy.sqlite"


def refused(legacy: LegacyPlatform) -> str:
    with pytest.raises(ConfigurationError) as caught:
        legacy.take()
    assert caught.value.exit_code == 2
    assert len(caught.value.reasons) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        "postgresql+psycopg://user:hunter2@127.0.0.1:1/db",
        "mysql+pymysql://user:hunter2@127.0.0.1:1/db",
        "nosuchdb://user:hunter2@h/db",
        "oracle+cx_oracle://user:hunter2@h/db",
        "hunter2",
        "",
        "postgresql://user:hunter2@h:port/db",
    ],
)
def test_an_unreachable_source(bad: str, tmp_path: Path) -> None:
    told = refused(over(bad, tmp_path))
    assert told.startswith("SOURCE_UNREACHABLE legacy.url: ")
    assert "hunter2" not in told
    assert not (tmp_path / "snapshots").exists() or not list((tmp_path / "snapshots").iterdir())


def test_a_mistyped_sqlite_file_is_unreachable_and_is_not_made(tmp_path: Path) -> None:
    assert refused(over(f"sqlite:///{tmp_path}/no.sqlite", tmp_path)).startswith("SOURCE_UNREACHABLE")
    assert not (tmp_path / "no.sqlite").exists()


def test_a_select_replaces_the_default_and_its_columns_go_by_name(url: str, tmp_path: Path) -> None:
    expected = over(url, tmp_path).fingerprint()
    select = "SELECT 'x:y 50%' AS extra, d.STATUS, d.* FROM debts d"
    ambiguous = refused(over(url, tmp_path, debts=select))
    assert ambiguous.startswith("SOURCE_QUERY debts.status: the column is there more than once")
    columns = "STATUS, Origin, acquired_on, bonus_interest, interest, principal, lender_id, listing_id, debt_id"
    select = f"SELECT 'x:y 50%' AS extra, {columns} FROM debts WHERE debt_id LIKE 'D%' OR '12:30' = ':a'"
    assert over(url, tmp_path, debts=select).fingerprint() == expected


def test_a_select_that_the_database_refuses(url: str, tmp_path: Path) -> None:
    told = refused(over(url, tmp_path, debts="SELECT nonsense FROM debts"))
    assert told.startswith("SOURCE_QUERY debts: ")
    assert "no such column: nonsense" in told


def test_a_select_cannot_change_the_source(url: str, tmp_path: Path) -> None:
    assert refused(over(url, tmp_path, debts="DELETE FROM debts")).startswith("SOURCE_QUERY debts: ")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT count(*) FROM debts").fetchone() == (2,)


def test_a_select_for_no_known_entity(url: str, tmp_path: Path) -> None:
    assert refused(over(url, tmp_path, customers="SELECT 1")).startswith("SOURCE_QUERY legacy.entities.customers")


def test_a_value_the_driver_quotes_in_its_error_is_not_repeated(url: str, tmp_path: Path) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE users SET name = CAST(x'3133383030313338303030ff' AS TEXT) WHERE user_id = 'b'")
    told = refused(over(url, tmp_path))
    assert told.startswith("SOURCE_QUERY users: ")
    assert "13800138000" not in told


def test_reals_of_sqlite_are_floats(url: str, tmp_path: Path) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE TABLE real_debts AS SELECT * FROM debts")
        connection.execute("DROP TABLE debts")
        connection.execute("CREATE VIEW debts AS SELECT *, CAST(principal AS REAL) AS p FROM real_debts")
    columns = "debt_id, listing_id, lender_id, p AS principal, interest, bonus_interest, acquired_on, origin, status"
    legacy = over(url, tmp_path, debts=f"SELECT {columns} FROM debts")
    codes = legacy.issues(legacy.take())["code"].to_pylist()
    assert codes == ["MONEY_FLOAT", "MONEY_FLOAT"]


def test_one_view_does_not_see_what_is_written_meanwhile(url: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with source.view(url, {}) as view:
        assert sum(p.rows for p in view.read("debts", 1)) == 2
        engine = sa.create_engine(url)
        with engine.begin() as other:
            other.exec_driver_sql("DELETE FROM debts")
        engine.dispose()
        assert sum(p.rows for p in view.read("debts", 1)) == 2
    with source.view(url, {}) as view:
        assert sum(p.rows for p in view.read("debts")) == 0


def test_partitions_do_not_change_the_reading(url: str, tmp_path: Path) -> None:
    whole = over(url, tmp_path).fingerprint()["users"]
    from migration.legacy.digests import entity_digest

    with source.view(url, {}) as view:
        reader = EntityReader("users", "yuan")
        sizes = []
        for partition in view.read("users", 3):
            sizes.append(partition.rows)
            reader.add(partition.columns, partition.rows)
    assert sizes == [3, 1]
    assert entity_digest("users", reader.finish().table) == whole


# --- cutover mapping check ------------------------------------------------------------------------------------------------


def test_the_mapping_of_a_good_source_is_good(url: str) -> None:
    rows = {(r.entity, r.column): r for r in check(url, "yuan", {})}
    assert {r.verdict for r in rows.values()} <= {"ok"}
    assert rows["debts", "principal"].sample == "99999999999.99"
    assert rows["debts", "status"].sample == "open"
    assert rows["users", "phone"].sample == "999999999999"
    assert rows["users", "verified_at"].nulls == 1
    assert rows["users", "user_id"].rows == 4
    assert rows["schedules", "period"].source_type == "int"
    assert rows["listings", "guarantor_id"].source_type == "null"


def test_no_sample_shows_a_person(url: str) -> None:
    shown = " ".join(r.sample for r in check(url, "yuan", {}))
    for secret in ("张三", "𠮷", "110101199003070011", "13800000001", "6222000000000001"):
        assert secret not in shown
    assert mask("Ab-張１9 x" + "y" * 30) == "Aa-文99 a" + "a" * 16 + "…"


def test_the_mapping_tells_each_fault_and_goes_on(tmp_path: Path) -> None:
    tables = {
        **small(),
        "debts": [row("debts", principal="1.234", acquired_on="0000-00-00")],
        "escrow_accounts": [{k: v for k, v in row("escrow_accounts").items() if k != "frozen"}],
        "users": [{k: v for k, v in row("users", kind="张三").items() if k != "email"}],
        "elections": [],
    }
    del tables["schedules"]
    fill(f"sqlite:///{tmp_path}/bad.sqlite", tables)
    select = "SELECT nothing FROM listings"
    rows = {(r.entity, r.column): r for r in check(f"sqlite:///{tmp_path}/bad.sqlite", "yuan", {"listings": select})}
    assert (rows["debts", "principal"].verdict, rows["debts", "principal"].codes) == ("error", ("MONEY_DECIMALS",))
    assert (rows["debts", "acquired_on"].verdict, rows["debts", "acquired_on"].codes) == ("warning", ("DATE_INVALID",))
    assert rows["escrow_accounts", "frozen"].codes == ("SOURCE_COLUMN_MISSING",)
    assert rows["schedules", "*"].codes == ("SOURCE_ENTITY_MISSING",)
    assert rows["listings", "*"].codes == ("SOURCE_QUERY",)
    assert rows["users", "email"].verdict == "absent"
    assert (rows["users", "kind"].verdict, rows["users", "kind"].sample) == ("error", "文文")
    assert rows["elections", "*"].verdict == "absent"
    assert rows["in_flight", "amount"].verdict == "ok"
