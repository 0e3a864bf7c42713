"""The measures: each shows its fault by key, the sound platform has none, and what is not known is None."""

import logging

import pytest

from expectations import GATES, all_rules
from expectations.plain import PlainJudge
from migration.stages import measure_library
from migration.stages.measures import KEYS_SHOWN, _Measurer, measure_ids, measures
from tests.unit.stages.gate_cases import FINE, KEYS, TOTALS, his
from tests.unit.stages.gate_world import GIVEN, facts

NOTED = {"PRE-050", "PRE-051", "ACC-012"}  # in flight, not lent, one of four refused: true of the small platform


def one(name, world):
    with _Measurer(world, "1GB") as measurer:
        return measurer.measure(name)


def cases(of):
    return [pytest.param(name, *case, id=f"{name}-{n}") for name, some in of.items() for n, case in enumerate(some)]


@pytest.mark.parametrize(("name", "changes", "keys"), cases(KEYS))
def test_a_fault_is_counted_and_its_keys_are_named(name, changes, keys):
    assert one(name, facts(changes)) == (len(keys), keys)


@pytest.mark.parametrize(("name", "changes", "value"), cases(TOTALS))
def test_totals_are_exact(name, changes, value):
    assert one(name, facts(changes)) == (value, [])


@pytest.mark.parametrize(("name", "changes"), [(name, changes) for name, some in FINE.items() for changes in some])
def test_what_only_looks_odd_raises_no_alarm(name, changes):
    assert one(name, facts(changes)) == (0, [])


def test_every_measure_of_the_library_has_a_fault_that_moves_it():
    there = {name for name, query in measure_library.library().items() if query.kind in {"keys", "total"}}
    assert there - KEYS.keys() - TOTALS.keys() == {"snapshot.rows_not_recorded", "snapshot.overdue_not_advanced"}


def test_every_rule_looks_at_a_measure_that_exists_and_every_measure_is_looked_at():
    kinds = {name: query.kind for name, query in measure_library.library().items()}
    asked = {name for rule in all_rules() for name in rule.measures}
    assert {name for name in asked if name not in kinds} == set(GIVEN)
    assert {name for name, kind in kinds.items() if kind in {"keys", "total"}} <= asked
    assert all(kinds[rule.measure] == "keys" for rule in all_rules() if rule.kind == "keys")


@pytest.mark.parametrize("stage", GATES)
def test_the_sound_platform_passes_every_gate(stage):
    results = PlainJudge().judge(stage, *measures(stage, facts()))
    assert {r.rule_id for r in results if r.outcome != "passed"} <= NOTED


def test_rows_lost_since_the_snapshot_was_taken_are_named():
    assert one("snapshot.rows_not_recorded", facts(recorded_counts={"debts": 6, "users": 8})) == (1, ["debts"])


def test_under_guarantor_repayment_an_overdue_debt_may_not_stand():
    overdue = [("snapshot.listings", "listing_id", "L1", {"maturity_date": facts().business_date.replace(day=17)})]
    assert one("snapshot.overdue_not_advanced", facts(overdue, overdue_policy="repaid_by_guarantor"))[0] == 3
    assert one("snapshot.overdue_not_advanced", facts(overdue)) == (0, [])


def test_with_consent_an_overdue_debt_is_registered_until_the_new_date():
    overdue = ("snapshot.listings", "listing_id", "L1", {"maturity_date": facts().business_date.replace(day=1)})
    consent = ("snapshot.extensions", "listing_id", "L1", {"new_maturity_date": facts().business_date})
    extended = facts([overdue, consent], overdue_policy="extend_with_consent")
    assert one("debts.overdue_without_consent", extended) == (0, [])
    assert one("debts.overdue_without_consent", facts([overdue], overdue_policy="extend_with_consent"))[0] == 2


def test_an_election_is_named_without_its_id_number():
    keys = one("issue.DATE_INVALID", facts([("issues", "code", "DATE_INVALID", {
        "entity": "elections", "key": "110101198001010014/A1/2017-01-01", "column": "elected_at"})]))[1]  # fmt: skip
    assert keys == ["elections/A1.elected_at"]


def test_a_sum_beyond_64_bits_is_exact():
    big = 2**63 - 1
    changes = [("snapshot.debts", "debt_id", key, {"principal": big}) for key in ("D1", "D2")]
    assert one("debts.legacy_fen", facts(changes)) == (2 * big + 100, [])


def test_only_so_many_keys_are_shown_and_all_are_counted():
    value, keys = one("users.not_once", facts([his(f"Z{n:03d}") for n in range(50)]))
    assert value == 50
    assert keys == [f"Z{n:03d}" for n in range(KEYS_SHOWN)]


def test_a_table_that_is_not_known_leaves_its_measures_open():
    early = facts(book={"users": facts().book["users"]}, items={}, batches=None, account_pattern=None)
    values, keys = measures("accounts", early)
    assert values["accounts.number_malformed"] is None
    assert values["batches.number_gap"] is None
    assert values["users.not_once"] == 0
    assert "users.not_once" not in keys


def test_every_table_and_parameter_matters_to_some_gate():
    for stage in GATES:
        empty = facts(snapshot={}, items={}, book={}, batches=None, exceptions=None, issues=None, resends=None,
                      recorded_counts=None, given={})  # fmt: skip
        values, keys = measures(stage, empty)
        assert set(values) == set(measure_ids(stage))
        assert set(values.values()) == {None}
        assert keys == {}


def test_a_measure_that_breaks_is_open_and_says_so_without_the_cell(monkeypatch, caplog):
    broken = measure_library.parse("-- keys: users.not_once\nSELECT CAST(reason AS INTEGER) FROM book_users")[0]
    library = measure_library.library() | {broken.name: broken}
    monkeypatch.setattr("migration.stages.measures.library", lambda: library)
    with caplog.at_level(logging.WARNING):
        assert one("users.not_once", facts()) == (None, [])
    assert "users.not_once could not be made" in caplog.text
    assert "OPENED" not in caplog.text


def test_nothing_of_the_tables_can_reach_a_file():
    with _Measurer(facts(), "1GB") as measurer, pytest.raises(Exception, match=r"(?i)disabled"):
        measurer._connection.execute("COPY (SELECT 1) TO 'leak.csv'")


def test_sections_are_spelt_out():
    made = measure_library.parse("-- each: a b\n-- each: c\n-- keys: x.{}\nSELECT '{}', $day FROM t -- no\n")
    assert [query.name for query in made] == ["x.a", "x.b", "x.c"]
    assert made[1].sql.startswith("SELECT 'b', $day")
    assert made[1].parameters == {"day"}
    assert "no" not in made[1].words
    assert "b" not in made[1].words


def test_a_name_that_stands_twice_is_refused(monkeypatch):
    monkeypatch.setattr(measure_library, "FILES", ("users", "users"))
    measure_library.library.cache_clear()
    with pytest.raises(ValueError, match="twice"):
        measure_library.library()
    monkeypatch.undo()
    measure_library.library.cache_clear()
