"""How long records are kept: the contract's end and five years."""

from __future__ import annotations

from datetime import date

import pytest

from migration.domain.retention import kept_until, retention
from tests.contract.platforms import row
from tests.support.platform import joined, loan
from tests.unit.domain.facts import DAY, tables


@pytest.mark.parametrize(
    ("end", "until"),
    [
        (date(2018, 10, 1), date(2023, 10, 1)),
        (date(2020, 2, 29), date(2025, 3, 1)),  # not a day less
        (date(2019, 2, 28), date(2024, 2, 28)),
    ],
)
def test_five_years_to_the_day(end, until):
    assert kept_until(end) == until


def found(*parts, **changes):
    return retention(tables(joined(*parts) | changes), DAY)


def test_a_contract_ends_with_its_maturity_its_extension_or_its_last_instalment():
    plain, long = loan(1, "U1", {"U2": "1.00"}), loan(2, "U1", {"U2": "1.00"}, maturity_date="2018-03-01")
    long["schedules"].append(row("schedules", listing_id="L2", period=2, due_date="2019-05-05"))
    extended = loan(3, "U1", {"U2": "1.00"}, maturity_date="2017-01-01")
    extended["extensions"] = [row("extensions", listing_id="L3", new_maturity_date="2020-02-29")]
    kept = found(plain, long, extended)
    assert [kept.of(key) for key in ("L1", "L2", "L3")] == [date(2023, 10, 1), date(2024, 5, 5), date(2025, 3, 1)]
    assert kept.keep_until == date(2025, 3, 1), "the cutover's records go with the last"
    assert kept.by_year() == {"2023": 1, "2024": 1, "2025": 1}
    assert kept.undated == 0


def test_the_cutover_is_kept_five_years_from_its_own_day_at_least():
    old = loan(1, "U1", {"U2": "1.00"}, maturity_date="2015-01-01")
    old["schedules"][0]["due_date"] = "2015-01-01"
    kept = found(old)
    assert kept.of("L1") == date(2020, 1, 1)
    assert kept.keep_until == date(2022, 11, 18)


def test_a_listing_without_a_date_and_an_unknown_one_are_kept_as_long_as_the_cutover():
    undated = loan(2, "U1", {"U2": "1.00"}, maturity_date=None)
    undated["schedules"] = []
    kept = found(loan(1, "U1", {"U2": "1.00"}), undated)
    assert kept.undated == 1
    assert kept.of("L2") == kept.of("nobody's") == kept.of(None) == kept.keep_until == date(2023, 10, 1)
    assert kept.knows("L2")
    assert not kept.knows("nobody's")


def test_an_empty_platform():
    kept = found()
    assert kept.keep_until == date(2022, 11, 18)
    assert kept.by_year() == {}
