"""The port `Legacy`: what holds for the real platform (here over SQLite) and for the double alike."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from migration.domain.errors import ConfigurationError, CouldNotCheck
from migration.domain.tables import ISSUES, SNAPSHOT
from migration.legacy import LegacyPlatform, MemoryLegacy, Vault
from tests.contract.platforms import Tables, fill, in_fen, row, small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from migration.domain.ports import Legacy


class FixedClock:
    def now(self) -> datetime:
        return datetime(2017, 11, 18, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError


@dataclass
class World:
    """One way to have a legacy platform."""

    make: Callable[..., Legacy]
    lose: Callable[[Legacy, Any], None]


def over_sqlite(workspace: Path, tables: Tables, money_unit: str = "yuan") -> LegacyPlatform:
    path = workspace / f"{uuid.uuid4().hex}.sqlite"
    fill(f"sqlite:///{path}", tables)
    return platform(f"sqlite:///{path}", workspace, money_unit=money_unit)


def platform(url: str, workspace: Path, money_unit: str = "yuan", **entities: str) -> LegacyPlatform:
    return LegacyPlatform(url, money_unit, entities, workspace, Vault.open(workspace, {}), FixedClock())


@pytest.fixture(params=["sqlite", "memory"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "memory":
        return World(MemoryLegacy, lambda legacy, snapshot: legacy.forget(snapshot))  # type: ignore[attr-defined]

    def lose(_: Legacy, snapshot: Any) -> None:
        (tmp_path / "snapshots" / snapshot.digest / "users.parquet").unlink()

    return World(lambda tables, money_unit="yuan": over_sqlite(tmp_path, tables, money_unit), lose)


def told(legacy: Legacy) -> list[tuple[str, str, str, str]]:
    """The issues as plain tuples."""
    return [tuple(r.values()) for r in legacy.issues(legacy.take()).to_pylist()]


def test_a_snapshot_holds_every_entity_in_its_schema_sorted_by_key_as_bytes(world: World) -> None:
    legacy = world.make(small())
    snapshot = legacy.take()
    for entity, schema in SNAPSHOT.items():
        assert legacy.load(snapshot, entity).schema == schema
    assert legacy.load(snapshot, "users")["user_id"].to_pylist() == ["007", "B", "a", "b"]
    assert legacy.load(snapshot, "schedules")["period"].to_pylist() == [1, 9, 10]
    assert snapshot.counts == {entity: len(rows) for entity, rows in small().items()}
    assert snapshot.issues == 0
    assert legacy.issues(snapshot).schema == ISSUES


def test_values_arrive_exactly(world: World) -> None:
    legacy = world.make(small())
    snapshot = legacy.take()
    debts = legacy.load(snapshot, "debts").to_pylist()
    assert [d["principal"] for d in debts] == [100_000, 9_999_999_999_999]
    assert debts[0]["acquired_on"] == date(2017, 10, 1)
    assert legacy.load(snapshot, "escrow_accounts")["available"].to_pylist() == [2_147_483_648, 1_230]
    users = legacy.load(snapshot, "users").to_pylist()
    assert users[0]["name"] == "名,字;: -"
    assert users[0]["verified_at"] is None
    assert users[3]["name"] == "𠮷野㛃·阿卜杜"
    assert users[3]["phone"] == "013800000002"
    assert users[3]["verified_at"] == datetime(2016, 1, 2, 3, 4, 5)
    assert legacy.load(snapshot, "listings")["annual_rate"].to_pylist() == ["12.5", "7.25"]


def test_the_order_of_the_source_does_not_matter_and_any_change_does(world: World) -> None:
    digest = world.make(small()).take().digest
    turned = {entity: rows[::-1] for entity, rows in small().items()}
    assert world.make(turned).take().digest == digest
    changed = small()
    changed["users"][0]["name"] += " "
    other = world.make(changed).take()
    assert other.digest != digest


def test_null_and_the_word_differ_in_the_digest_and_empty_is_null(world: World) -> None:
    def digest(email: object) -> str:
        return world.make({**small(), "users": [row("users", email=email)]}).take().digest

    assert digest(None) == digest("")
    assert len({digest(None), digest("-"), digest("None")}) == 3


def test_the_fingerprint_is_that_of_the_snapshot_until_the_source_changes(world: World) -> None:
    legacy = world.make(small())
    assert legacy.fingerprint() == legacy.take().entity_digests
    changed = {**small(), "debts": [row("debts", principal="999.99")]}
    now, then = world.make(changed).fingerprint(), legacy.take().entity_digests
    assert [entity for entity in now if now[entity] != then[entity]] == ["debts"]


def test_yuan_and_fen_of_the_same_platform_give_the_same_snapshot(world: World) -> None:
    assert world.make(in_fen(small()), money_unit="fen").take().digest == world.make(small()).take().digest


def test_a_lost_snapshot_is_could_not_check(world: World) -> None:
    legacy = world.make(small())
    snapshot = legacy.take()
    world.lose(legacy, snapshot)
    with pytest.raises(CouldNotCheck, match="SNAPSHOT_DAMAGED"):
        legacy.load(snapshot, "users")
    assert legacy.take().digest == snapshot.digest
    assert legacy.load(snapshot, "users").num_rows == 4


def test_cells_that_cannot_be_taken_are_null_and_listed_by_key(world: World) -> None:
    tables = {
        **small(),
        "debts": [
            row("debts", debt_id="D3", principal="1.005", interest="-1.00", bonus_interest=None),
            row("debts", debt_id="D4", principal="NaN", interest="１２", acquired_on="2017-02-30"),
            row("debts", debt_id="D4", status="lost"),
            row("debts", debt_id=None, lender_id=None),
        ],
        "schedules": [row("schedules", period=1, due_date="0000-00-00")],
    }
    legacy = world.make(tables)
    assert told(legacy) == [
        ("debts", "D3", "bonus_interest", "MONEY_NULL"),
        ("debts", "D3", "interest", "MONEY_NEGATIVE"),
        ("debts", "D3", "principal", "MONEY_DECIMALS"),
        ("debts", "D4", "acquired_on", "DATE_INVALID"),
        ("debts", "D4", "debt_id", "KEY_DUPLICATE"),
        ("debts", "D4", "interest", "MONEY_FORMAT"),
        ("debts", "D4", "principal", "MONEY_NAN"),
        ("debts", "D4", "status", "VALUE_NOT_ALLOWED"),
        ("debts", "row 4", "debt_id", "KEY_NULL"),
        ("debts", "row 4", "lender_id", "VALUE_NULL"),
        ("schedules", "L1/1", "due_date", "DATE_INVALID"),
    ]
    first = legacy.load(legacy.take(), "debts").to_pylist()[0]
    assert (first["principal"], first["interest"], first["bonus_interest"]) == (None, None, None)


def test_an_unreadable_period_leaves_the_row_without_a_key(world: World) -> None:
    tables = {**small(), "schedules": [row("schedules", period="one"), row("schedules", period=2)]}
    assert told(world.make(tables)) == [("schedules", "row 2", "period", "NUMBER_FORMAT")]


def test_elections_have_no_key_to_be_doubled_or_missing(world: World) -> None:
    tables = {**small(), "elections": [row("elections"), row("elections"), row("elections", user_id=None)]}
    assert told(world.make(tables)) == [("elections", "row 3", "user_id", "VALUE_NULL")]


def test_a_missing_required_entity_is_named(world: World) -> None:
    tables = small()
    del tables["debts"]
    with pytest.raises(ConfigurationError, match=r"^SOURCE_ENTITY_MISSING debts: "):
        world.make(tables).take()


def test_an_absent_optional_entity_is_empty(world: World) -> None:
    tables = small()
    del tables["elections"], tables["in_flight"]
    legacy = world.make(tables)
    snapshot = legacy.take()
    assert snapshot.counts["elections"] == 0
    assert legacy.load(snapshot, "in_flight").num_rows == 0


def test_a_missing_required_column_is_named_with_what_was_expected(world: World) -> None:
    tables = small()
    for debt in tables["debts"]:
        del debt["origin"]
    with pytest.raises(ConfigurationError, match=r"^SOURCE_COLUMN_MISSING debts\.origin: .*assignment \| bid"):
        world.make(tables).take()


def test_a_missing_nullable_column_is_null_and_an_extra_one_is_ignored(world: World) -> None:
    plain = world.make({**small(), "users": [row("users", email=None)]}).take()
    bare = {k: v for k, v in row("users").items() if k != "email"}
    extra = world.make({**small(), "users": [{"nickname": "x", **bare, "Score": "9"}]}).take()
    assert extra.digest == plain.digest


def test_column_names_match_in_any_letter_case(world: World) -> None:
    shouted = {name: [{k.upper(): v for k, v in r.items()} for r in rows] for name, rows in small().items()}
    assert world.make(shouted).take().digest == world.make(small()).take().digest


# --- the double's own convenience -----------------------------------------------------------------------------------------


def test_the_double_takes_parsed_tables_and_fills_in_the_rest() -> None:
    debts = pa.Table.from_pylist([{"debt_id": "D2"}, {"debt_id": "D1"}], schema=SNAPSHOT["debts"])
    legacy = MemoryLegacy({"debts": debts}, complete=True)
    snapshot = legacy.take()
    assert legacy.load(snapshot, "debts")["debt_id"].to_pylist() == ["D1", "D2"]
    legacy.replace("debts", [])
    assert legacy.fingerprint() != snapshot.entity_digests


# --- the real servers --------------------------------------------------------------------------------------------------------


def server(admin: str, url: str) -> Iterator[str]:
    """A database of our own name on a server; dropped afterwards."""
    name = f"cutover_legacy_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    engine = sa.create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield url.format(name)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        engine.dispose()


def execute(url: str, *statements: str) -> None:
    """Change the source from another connection; none stays open."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def postgres() -> Iterator[str]:
    base = "postgresql+psycopg://postgres@127.0.0.1:5432/"
    yield from server(f"{base}postgres", base + "{}")


@pytest.fixture
def mariadb() -> Iterator[str]:
    base = "mysql+pymysql://root@127.0.0.1:3306/"
    yield from server(base, base + "{}?charset=utf8mb4")


@pytest.mark.postgres
def test_postgresql_gives_the_same_digests_as_sqlite(postgres: str, tmp_path: Path) -> None:
    fill(postgres, small(), typed=True)
    assert platform(postgres, tmp_path).take() == over_sqlite(tmp_path, small()).take()


@pytest.mark.mariadb
def test_mariadb_gives_the_same_digests_as_sqlite(mariadb: str, tmp_path: Path) -> None:
    fill(mariadb, small(), typed=True)
    assert platform(mariadb, tmp_path).take() == over_sqlite(tmp_path, small()).take()


@pytest.mark.postgres
def test_postgresql_odd_values_are_issues_and_touch_no_other_row(postgres: str, tmp_path: Path) -> None:
    fill(postgres, small(), typed=True)
    execute(
        postgres,
        "ALTER TABLE debts ALTER principal TYPE numeric",
        "ALTER TABLE debts ALTER interest TYPE double precision",
        "ALTER TABLE listings ALTER value_date TYPE timestamptz USING '2017-11-18 20:00+00'",
        "UPDATE debts SET principal = 'NaN', acquired_on = 'infinity' WHERE debt_id = 'D1'",
    )
    legacy = platform(postgres, tmp_path)
    assert told(legacy) == [
        ("debts", "D1", "acquired_on", "DATE_INVALID"),
        ("debts", "D1", "interest", "MONEY_FLOAT"),
        ("debts", "D1", "principal", "MONEY_NAN"),
        ("debts", "D2", "interest", "MONEY_FLOAT"),
    ]
    assert legacy.load(legacy.take(), "listings")["value_date"].to_pylist()[0] == date(2017, 11, 19)


@pytest.mark.mariadb
def test_mariadb_zero_dates_and_floats_are_issues(mariadb: str, tmp_path: Path) -> None:
    fill(mariadb, small(), typed=True)
    execute(
        mariadb,
        "SET sql_mode = ''",
        "ALTER TABLE debts MODIFY interest DOUBLE",
        "UPDATE debts SET acquired_on = '0000-00-00' WHERE debt_id = 'D1'",
        "UPDATE users SET registered_at = '0000-00-00' WHERE user_id = 'a'",
    )
    assert told(platform(mariadb, tmp_path)) == [
        ("debts", "D1", "acquired_on", "DATE_INVALID"),
        ("debts", "D1", "interest", "MONEY_FLOAT"),
        ("debts", "D2", "interest", "MONEY_FLOAT"),
        ("users", "a", "registered_at", "DATE_INVALID"),
    ]


def read_while_written(url: str, workspace: Path) -> tuple[Any, Any]:
    """Entity digests of a reading during which, after users were read, another connection changes the debts; and after."""
    from migration.legacy import source
    from migration.legacy.platform import fingerprint
    from migration.legacy.reading import EntityReader

    def readings() -> Iterator[Any]:
        with source.view(url, {}) as view:
            for entity in SNAPSHOT:
                reader = EntityReader(entity, "yuan")
                for partition in view.read(entity, 1):
                    reader.add(partition.columns, partition.rows)
                yield reader.finish()
                if entity == "users":
                    execute(url, "UPDATE debts SET principal = 1")

    return fingerprint(readings()), platform(url, workspace).fingerprint()


def test_sqlite_is_read_as_of_one_moment(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/legacy.sqlite"
    fill(url, small())
    execute(url, "PRAGMA journal_mode = WAL")
    before = platform(url, tmp_path).fingerprint()
    during, after = read_while_written(url, tmp_path)
    assert during == before
    assert after["debts"] != before["debts"]


@pytest.mark.postgres
def test_postgresql_is_read_as_of_one_moment(postgres: str, tmp_path: Path) -> None:
    fill(postgres, small(), typed=True)
    before = platform(postgres, tmp_path).fingerprint()
    during, after = read_while_written(postgres, tmp_path)
    assert during == before
    assert after["debts"] != before["debts"]


@pytest.mark.mariadb
def test_mariadb_is_read_as_of_one_moment(mariadb: str, tmp_path: Path) -> None:
    fill(mariadb, small(), typed=True)
    before = platform(mariadb, tmp_path).fingerprint()
    during, after = read_while_written(mariadb, tmp_path)
    assert during == before
    assert after["debts"] != before["debts"]
