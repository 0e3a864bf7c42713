"""sample_data/: the oracle agrees with what was written by hand, and the committed files are the oracle's."""

import sqlite3

import pytest

from migration.sandbox.generate import sample
from tests.oracle import files, sampling
from tests.oracle.cases import KEYS, by_hand


@pytest.fixture(scope="module")
def outcome():
    return files.of_sample()


@pytest.fixture(scope="module")
def tables(outcome):
    return {export: {key(row): row for row in outcome[export]} for export, key in KEYS.items()}


@pytest.mark.parametrize(
    ("export", "key", "claims"), [pytest.param(*c, id=f"{c[0]}-{c[1]}-{n}") for n, c in enumerate(by_hand())]
)
def test_oracle_agrees_with_the_outcome_written_by_hand(outcome, tables, export, key, claims):
    if export == "notices":
        assert [row["kind"] for row in outcome["notices"] if row["user_id"] == key] == claims["kinds"]
        return
    row = tables[export][key]
    assert {column: files.cell(row[column]) for column in claims} == claims


def test_every_special_user_is_explained(outcome):
    text = (files.SAMPLE / "README.md").read_text(encoding="utf-8")
    cast = {"X0001", "X0002", "X0003", "X0004", "X0005", "X0006", "X6601", "X6602"}  # whom the cases of loans use
    special = {row["user_id"] for row in outcome["users"] if row["user_id"].startswith("X")} - cast
    assert not {key for key in special if key not in text}


def test_the_story_tells_the_right_numbers(outcome):
    text = (files.SAMPLE / "README.md").read_text(encoding="utf-8")
    story = [
        (batch["stage"], batch["round"], batch["kind"], batch["sample"], batch["rows"])
        for batch in outcome["batches"]
        if batch["stage"] != "accounts"
    ]
    assert story == [
        ("reopen", 1, "person", False, 8), ("reopen", 1, "company", False, 2), ("listings", 1, "listing", True, 82),
        ("listings", 1, "listing", False, 4), ("debts", 1, "debt", True, 291), ("debts", 1, "debt", False, 2000),
        ("debts", 1, "debt", False, 1803), ("reopen", 2, "person", False, 2), ("listings", 2, "listing", False, 2),
        ("debts", 2, "debt", False, 6),
    ]  # fmt: skip
    for told in ("a sample of 82", "the other 4", "a sample of 291", "3,803 in two parts"):
        assert told in text
    assert (
        f"{len(outcome['users']):,} users, {len(outcome['listings'])} listings, {len(outcome['debts']):,} debts" in text
    )


def test_nothing_is_left_open_and_the_balance_is_even(outcome):
    assert outcome["open"] == []
    assert outcome["balance"]["difference_fen"] == 0
    assert outcome["balance"]["listings"] == outcome["balance"]["persons"] == []
    for export in ("users", "listings", "debts"):
        assert not {row["disposition"] for row in outcome[export]} & {"pending", "blocked"}


def test_committed_files_are_what_the_oracle_says():
    signatures = [(row["entity"], row["key"], row["code"]) for row in files.read_csv(files.SAMPLE / "signatures.csv")]
    result = files.of_sample(signatures)
    assert result["open"] == []
    for name, content in files.files(result).items():
        assert (files.SAMPLE / name).read_text(encoding="utf-8") == content, name


def test_the_samples_do_not_hang_on_how_a_stratum_is_read():
    """Rare characters with or without titles, with the dot counted or not; only the "yes" side of a two-level stratum."""
    drawn = {}

    def sampler(entity, items, settings):
        plain = sampling.draw(entity, items, settings)
        for without in ("rare", "kind", "guarantor", "overdue", "merged", "status"):
            fewer = {
                key: {name: level for name, level in item.items() if name != without} for key, item in items.items()
            }
            drawn[entity, without] = sampling.draw(entity, fewer, settings) == plain
        only_yes = {key: {n: v for n, v in item.items() if v is not False} for key, item in items.items()}
        drawn[entity, "only yes"] = sampling.draw(entity, only_yes, settings) == plain
        return plain

    files.of_sample(sampler=sampler)
    assert drawn["listings", "rare"]
    assert drawn["debts", "rare"]
    assert drawn["listings", "only yes"]
    assert drawn["debts", "only yes"]


def test_the_platform_is_rebuilt_identically(tmp_path):
    sample.build(tmp_path)
    for name in ("bank_faults.toml", "corrections.csv", "corrections2.csv", "resends.csv"):
        assert (tmp_path / name).read_bytes() == (files.SAMPLE / name).read_bytes(), name
    assert dump(tmp_path / "legacy.sqlite") == dump(files.SAMPLE / "legacy.sqlite")


def dump(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_differences_are_seen(outcome, tmp_path):
    for name, content in files.files(outcome).items():
        if name.startswith("expected/"):
            (tmp_path / name.removeprefix("expected/")).write_text(content, encoding="utf-8")
    assert files.differences(outcome, tmp_path) == []
    debts = (tmp_path / "debts.csv").read_text(encoding="utf-8")
    (tmp_path / "debts.csv").write_text(debts.replace("XL16D1,registered", "XL16D1,excepted"), encoding="utf-8")
    users = (tmp_path / "users.csv").read_text(encoding="utf-8")
    (tmp_path / "users.csv").write_text(users[: users.rindex("\nX6602") + 1], encoding="utf-8")
    assert files.differences(outcome, tmp_path) == [
        "users: 1479 rows expected, 1478 exported",
        "debts XL16D1: disposition 'registered'/'excepted'",
    ]
