"""Any source: the same platform from every database, and other people's schemas by configuration alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migration.clock import FakeClock
from migration.domain.errors import ConfigurationError, CutoverError, GateClosed
from migration.legacy import LegacyPlatform, Vault, mapping
from migration.legacy.options import Options
from migration.reports import exports
from migration.sandbox.generate import generate
from migration.sandbox.generate.sink import TABLES, Sink, columns
from tests.contract.platforms import Tables, fill, row
from tests.support import servers, thirdparty
from tests.support.rehearsal import Rehearsal

SAMPLE = Path(__file__).parents[2] / "sample_data" / "legacy.sqlite"
postgres = pytest.fixture(servers.postgres)
mariadb = pytest.fixture(servers.mariadb)


def source(url: str, place: Path, **more: Any) -> LegacyPlatform:
    money_unit, entities = more.pop("money_unit", "yuan"), more.pop("entities", {})
    return LegacyPlatform(url, money_unit, entities, place, Vault.open(place, {}), FakeClock(), **more)


def outcome(legacy: LegacyPlatform, place: Path) -> dict[str, bytes]:
    """The exports of a whole cutover as they lie on the disk."""
    case = Rehearsal(place / "case", legacy)
    assert case.run() == 4, case.reasons
    case.sign()
    assert case.run() == 0, case.reasons
    exports.write(place / "out", case.exports(), case.balance())
    return {
        path.name: path.read_bytes() for path in sorted((place / "out").iterdir()) if path.suffix in {".csv", ".json"}
    }


def copied(url: str) -> str:
    """The sample platform in another database, in columns of that database's own types."""
    target = Sink(url, loose_dates=True)
    target._types["rate"] = "DECIMAL(12,6)"  # one rate of the sample has more places than the bank's file can carry
    with sqlite3.connect(SAMPLE) as given, target as sink:
        for table in TABLES:
            sink.write(table, given.execute(f"SELECT {', '.join(columns(table))} FROM {table}").fetchall())
    return url


# --- one platform, three databases ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, bytes]]:
    place = tmp_path_factory.mktemp("sqlite")
    legacy = source(f"sqlite:///{SAMPLE}", place)
    return dict(legacy.fingerprint()), outcome(legacy, place)


@pytest.mark.postgres
@pytest.mark.parametrize("fast", [True, False])
def test_postgresql_gives_the_digests_and_exports_of_sqlite(postgres, tmp_path, expected, fast):
    legacy = source(copied(postgres), tmp_path, fast=fast)
    assert legacy.fingerprint() == expected[0]
    assert not fast or outcome(legacy, tmp_path) == expected[1]


@pytest.mark.mariadb
def test_mariadb_gives_the_digests_and_exports_of_sqlite(mariadb, tmp_path, expected):
    legacy = source(copied(mariadb), tmp_path)
    assert legacy.fingerprint() == expected[0]
    assert outcome(legacy, tmp_path) == expected[1]


# --- other people's schema, by configuration alone ------------------------------------------------------------------------


def foreign(url: str, place: Path, tables: Tables) -> LegacyPlatform:
    thirdparty.build(url, tables)
    money_unit, entities, options = thirdparty.configuration()
    return source(url, place, money_unit=money_unit, entities=entities, options=options)


def same_as_canonical(url: str, place: Path) -> None:
    tables = thirdparty.canonical()
    fill(f"sqlite:///{place}/canonical.sqlite", tables)
    plain = source(f"sqlite:///{place}/canonical.sqlite", place)
    legacy = foreign(url, place, tables)
    snapshot = legacy.take()
    assert snapshot.issues == 0
    assert snapshot.entity_digests == plain.fingerprint()


def test_the_schema_of_the_mapping_page_reads_as_its_canonical_twin(tmp_path):
    same_as_canonical(f"sqlite:///{tmp_path}/theirs.sqlite", tmp_path)


@pytest.mark.mariadb
def test_the_same_schema_in_mariadb_with_its_unsigned_and_zero_filled_ids(mariadb, tmp_path):
    same_as_canonical(mariadb, tmp_path)


def test_a_whole_cutover_of_the_mapped_platform_has_the_exports_of_its_twin(tmp_path):
    tables = thirdparty.canonical()
    theirs = Rehearsal(tmp_path / "theirs", foreign(f"sqlite:///{tmp_path}/theirs.sqlite", tmp_path / "t", tables))
    ours = Rehearsal(tmp_path / "ours", tables)
    for case in (theirs, ours):
        assert case.run() in {0, 4}, case.reasons
        if case.exceptions():
            case.sign()
            assert case.run() == 0, case.reasons
    assert theirs.exports() == ours.exports()
    assert theirs.sent() == ours.sent()


# --- five wrong mappings ----------------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path) -> tuple[str, str, dict[str, str], Options]:
    """The page's schema with 25 listings (units show over many rows), and its configuration, to be spoilt."""
    url = f"sqlite:///{tmp_path}/theirs.sqlite"
    thirdparty.build(url, thirdparty.canonical(25))
    return url, *thirdparty.configuration()


def told(url: str, money_unit: str, entities: Mapping[str, str], options: Options) -> CutoverError:
    with pytest.raises(CutoverError) as caught:
        mapping.require(mapping.check(url, money_unit, entities, options=options))
    return caught.value


def test_the_page_itself_is_sound(page):
    rows = mapping.check(page[0], page[1], page[2], options=page[3])
    mapping.require(rows)
    assert {row.verdict for row in rows} <= {"ok", "absent"}


def test_a_missing_column(page):
    url, unit, entities, options = page
    error = told(url, unit, entities | {"debts": entities["debts"].replace("g.src AS origin, ", "")}, options)
    assert (error.exit_code, len(error.reasons)) == (2, 1)
    assert str(error).startswith("SOURCE_COLUMN_MISSING debts.origin: ")
    assert "expected assignment | bid" in str(error)
    assert "legacy.entities.debts" in str(error)


def test_the_wrong_type(page, tmp_path):
    url, unit, entities, options = page
    formats = {**options.formats, "debts": {"lender_id": "zerofill:8"}}
    wrong = Options(unit, options.values, formats)
    error = told(url, unit, entities, wrong)
    assert error.exit_code == 3
    assert [(r.code, r.subject) for r in error.reasons] == [("MAPPING_TYPE", "debts.acquired_on")]
    assert "expected a date" in error.reasons[0].detail
    assert 'legacy.formats.debts.acquired_on = "unix_s"' in error.reasons[0].detail
    with pytest.raises(GateClosed, match=r"^MAPPING_TYPE debts\.acquired_on: .*unix_s"):
        source(url, tmp_path, money_unit=unit, entities=entities, options=wrong).take()


def test_a_code_without_a_word_even_where_no_sample_shows_it(page):
    url, unit, entities, options = page
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE lc_borrow SET pay_way = 5 WHERE borrow_no = 'L9'")
    with pytest.raises(GateClosed) as caught:
        mapping.require(mapping.check(url, unit, entities, 3, options))
    [reason] = caught.value.reasons
    assert (reason.code, reason.subject) == ("VALUE_NOT_ALLOWED", "listings.repayment_method")
    assert "not mapped: 5;" in reason.detail
    assert "expected at_maturity | equal_instalment" in reason.detail
    assert "legacy.values.listings.repayment_method" in reason.detail


def test_the_wrong_unit_for_one_entity(page, tmp_path):
    url, unit, entities, options = page
    formats = {**options.formats, "listings": {**options.formats["listings"], "amount": "yuan"}}
    wrong = Options(unit, options.values, formats)
    error = told(url, unit, entities, wrong)
    assert error.exit_code == 3
    assert [(r.code, r.subject) for r in error.reasons] == [("MAPPING_UNITS", "listings.amount")]
    assert "a hundred times off" in error.reasons[0].detail
    with pytest.raises(GateClosed, match=r"^MAPPING_UNITS listings\.amount: "):
        source(url, tmp_path, money_unit=unit, entities=entities, options=wrong).take()
    assert not list((tmp_path / "snapshots").iterdir())


def interesting(page: tuple[Any, ...]) -> None:
    with sqlite3.connect(page[0].removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE lc_right SET profit = 1000 + 37 * rowid")


def test_fen_read_as_yuan_all_over(page, tmp_path):
    interesting(page)
    url, _, entities, options = page
    error = told(url, "yuan", entities, options)
    assert ("MAPPING_UNITS", "schedules.interest") in [(r.code, r.subject) for r in error.reasons]
    assert 'legacy.money_unit = "fen"' in str(error)
    with pytest.raises(GateClosed, match="MAPPING_UNITS"):
        source(url, tmp_path, money_unit="yuan", entities=entities, options=options).take()


def test_yuan_read_as_fen(tmp_path):
    rows = [row("debts", debt_id=f"D{n}", principal=f"{n}.{n:02d}", interest=f"1.{n:02d}") for n in range(10, 60)]
    fill(f"sqlite:///{tmp_path}/yuan.sqlite", {**thirdparty.canonical(), "debts": rows})
    error = told(f"sqlite:///{tmp_path}/yuan.sqlite", "fen", {}, Options())
    assert ("MAPPING_UNITS", "debts.principal") in [(r.code, r.subject) for r in error.reasons]
    assert 'legacy.money_unit = "yuan"' in str(error)


def test_rates_as_fractions(page):
    url, unit, entities, options = page
    formats = {**options.formats, "listings": {**options.formats["listings"], "annual_rate": "percent"}}
    error = told(url, unit, entities, Options(unit, options.values, formats))
    assert [(r.code, r.subject) for r in error.reasons] == [("MAPPING_UNITS", "listings.annual_rate")]
    assert "basis_points" in error.reasons[0].detail


def test_a_join_that_multiplies_rows(page):
    url, unit, entities, options = page
    fan_out = entities["debts"] + " JOIN lc_repay r ON r.bid = b.bid JOIN lc_purse p ON 1 = 1"
    error = told(url, unit, entities | {"debts": fan_out}, options)
    assert error.exit_code == 3
    assert (error.reasons[0].code, error.reasons[0].subject) == ("KEY_DUPLICATE", "debts.debt_id")
    assert "75 keys (debt_id) stand in more than one row" in error.reasons[0].detail
    assert "join" in error.reasons[0].detail


def test_nothing_that_the_check_says_holds_a_person(page):
    url, unit, entities, options = page
    wrong = entities | {"users": entities["users"].replace("mtype AS kind", "mobile AS kind")}
    error = told(url, unit, wrong, options)
    rows = mapping.check(url, unit, wrong, options=options)
    shown = str(error) + "".join(f"{r.sample} {r.note}" for r in rows)
    assert "99999999999" in shown
    assert "13800000001" not in shown
    assert "11010119" not in shown


# --- small platforms are not suspected --------------------------------------------------------------------------------------


def test_no_generated_platform_is_suspected(tmp_path):
    url = f"sqlite:///{tmp_path}/generated.sqlite"
    generate(url, users=60, listings=12, debts=150, seed=5, hazards="none")
    mapping.require(mapping.check(url, "yuan", {}))
    assert source(url, tmp_path).take().counts["debts"] == 150


def test_a_refused_format_is_a_fault_of_the_configuration():
    from migration.legacy.options import options

    with pytest.raises(ConfigurationError, match=r"CONFIG_VALUE legacy\.formats\.debts\.principal: .*yuan, fen"):
        options("yuan", {}, {"debts": {"principal": "unix_s"}})


# --- the command and the configuration ---------------------------------------------------------------------------------------


def configured(place: Path, url: str, legacy: str) -> Path:
    plain = (SAMPLE.parent / "cutover.toml").read_text(encoding="utf-8")
    rest = plain.replace(plain[plain.index("[legacy]") : plain.index("[bank]")], "")
    path = place / "cutover.toml"
    path.write_text(rest + legacy.replace("[legacy]", f'[legacy]\nurl = "{url}"'), encoding="utf-8")
    return path


def test_the_command_reads_the_page_s_configuration_and_exits_by_what_is_wrong(page, tmp_path, monkeypatch, capsys):
    from migration import cli
    from migration.commands.shared import Place

    def run(legacy: str) -> int:
        path = configured(tmp_path, page[0], legacy)
        monkeypatch.setattr(Place, "config", None)
        monkeypatch.setattr("sys.argv", ["cutover", "mapping", "check", "--config", str(path)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    text = thirdparty.block("toml")
    assert run(text) == 0
    assert run(text.replace("g.src AS origin, ", "")) == 2
    assert "SOURCE_COLUMN_MISSING debts.origin: " in capsys.readouterr().err
    assert run(text.replace('1 = "equal_instalment", ', "")) == 3
    assert "VALUE_NOT_ALLOWED listings.repayment_method: not mapped: 1;" in capsys.readouterr().err
    assert run(text.replace('"equal_instalment"', '"equal_installment"')) == 2
    assert (
        "CONFIG_VALUE legacy.values.listings.repayment_method: equal_installment is no word" in capsys.readouterr().err
    )
    assert run(text.replace("[legacy.formats.debts]", "[legacy.formats.debt]")) == 2
    assert "CONFIG_KEY_UNKNOWN legacy.formats.debt" in capsys.readouterr().err
    assert run(text.replace('got_time"', 'x"').replace('acquired_on = "unix_s"', 'acquired_at = "unix_s"')) == 2
    assert "CONFIG_KEY_UNKNOWN legacy.formats.debts.acquired_at" in capsys.readouterr().err


def test_maps_from_the_environment(tmp_path):
    from migration.settings import load

    path = configured(tmp_path, "sqlite:///x", "[legacy]\n")
    environment = {
        "CUTOVER__LEGACY__VALUES__USERS__SEX": '{"1": "M", "0.5": "F"}',
        "CUTOVER__LEGACY__FORMATS__USERS__REGISTERED_AT": "unix_s",
    }
    found = load(path, environment).legacy
    assert found.values == {"users": {"sex": {"1": "M", "0.5": "F"}}}
    assert found.formats == {"users": {"registered_at": "unix_s"}}
