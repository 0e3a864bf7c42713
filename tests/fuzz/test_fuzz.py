"""A small part of `make fuzz` in every test run, and the proof that it would see a check that is missing."""

from __future__ import annotations

import pytest

from migration.bank import answers, results
from tests.fuzz.campaign import campaign


def test_nothing_is_accepted_that_the_second_parser_refuses_and_nothing_escapes():
    tally = campaign(9_000, 300)
    assert tally.clean, str(tally)
    assert (tally.lines, tally.files) == (9_000, 300)
    assert tally.accepted > 2_000, "both see good lines, too"
    assert tally.stricter < tally.lines / 20
    assert len(tally.codes) >= 12, "every sort of finding is met"


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (answers, "DEBT_ECHO", ("CARDNBR", "FUISSUER", "PRODUCT", "BIDIF", "RESE")),
        (answers, "IDENTITY", ("IDNO", "IDTYPE", "MOPHONE")),
        (answers, "valid_accounts", lambda piece, _prefix: piece[:, 0] > 0),
        (results, "header", lambda *_: None),
        (results, "_is_date", lambda _text: True),
        (results, "doubled", lambda _values, among: among & False),
    ],
)
def test_a_check_that_is_missing_is_seen(where, name, value, monkeypatch):
    monkeypatch.setattr(where, name, value)
    tally = campaign(3_000, 0)
    assert tally.worse or tally.other
    assert not tally.clean
