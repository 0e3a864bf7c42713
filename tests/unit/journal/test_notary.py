"""The file of roots and the chain watch each other; keys are made once and guarded."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import date

import pyarrow as pa
import pytest

from migration.domain.errors import ConfigurationError, GateClosed
from migration.domain.findings import Finding
from migration.domain.tables import ANSWERS
from migration.domain.values import BatchPlan
from migration.journal import witness
from migration.journal.keys import EvidenceKey, public_keys
from migration.journal.notary import ROOTS, Notary


@pytest.fixture
def notary(journal, tmp_path):
    return Notary(journal, tmp_path)


@pytest.fixture
def fence(journal):
    return journal.acquire("op")


def lines(notary) -> list[str]:
    return (notary.folder / ROOTS).read_text().splitlines()


def codes(raised) -> list[str]:
    return [reason.code for reason in raised.value.reasons]


def test_a_root_a_gate_and_none_twice(notary, fence, journal, tmp_path):
    notary.seal(fence, "accounts", "d" * 64)
    notary.seal(fence, "accounts", "d" * 64)
    Notary(journal, tmp_path).seal(fence, "accounts", "d" * 64)
    journal.note("op", "said", {})
    notary.seal(fence, "accounts.done", "")
    notary.seal(fence, "accounts.done", "")  # nothing happened since
    told = [json.loads(line) for line in lines(notary)]
    assert [(r["n"], r["gate"], r["size"]) for r in told] == [(1, "accounts", 2), (2, "accounts.done", 4)]
    assert list(journal.root_lines()) == lines(notary)
    assert notary.verify() == ()


def test_every_write_says_which_rows_it_leaves(fence, journal):
    items = pa.table({"key": ["U1"], "amount_fen": [5], "row_digest": ["a" * 64]})
    day = date(2017, 11, 18)
    (batch,) = journal.plan(
        fence, [BatchPlan("accounts", 1, "person", sample=False, part=1, items=items, sum_fen=5)], day, "accounts"
    )
    groups = {"batch/2017-11-18/000001", "item/2017-11-18/000001"}
    nothing = hashlib.sha256(b"").hexdigest()
    planned = journal.events()[-1].payload["witness"]
    assert planned.keys() == groups
    assert nothing not in planned.values()
    journal.withdraw(fence, [batch])
    assert journal.events()[-1].payload["witness"] == dict.fromkeys(groups, nothing)
    journal.note("op", "said", {})
    assert "witness" not in journal.events()[-1].payload


def test_after_every_verb_of_a_batch_its_rows_are_those_that_the_chain_names(fence, journal):
    items = pa.table({"key": ["U1"], "amount_fen": [5], "row_digest": ["a" * 64]})
    plan = BatchPlan("accounts", 1, "person", sample=False, part=1, items=items, sum_fen=5)
    told = {"record_no": 1, "result_record": 1, "key": "U1", "outcome": "refused", "code": "106"}
    (batch,) = journal.plan(fence, [plan], date(2017, 11, 18), "accounts")

    def stands() -> dict[str, str]:
        with journal._db._engine.connect() as connection:
            no = connection.exec_driver_sql("SELECT no FROM journal.batch").scalar_one()
            groups = [witness.batch_group(table, no, date(2017, 11, 18), "000001") for table in ("batch", "item")]
            return witness.digests(connection, dict(groups))

    seen = []
    for verb in (
        lambda: journal.seal(fence, batch, "R", b"bytes"),
        lambda: journal.open_gate(fence, "accounts", 1, "d" * 64, 1, "op"),
        lambda: journal.decide("accounts", "d" * 64, "ann", "approve", "", rehearsal=True),
        lambda: journal.mark_delivered(fence, batch, "d" * 64),
        lambda: journal.mark_quarantined(
            fence, batch, "b" * 64, [Finding("RESULT_ROW_MISSING", "R", "a row is missing")]
        ),
        lambda: journal.apply(fence, batch, "RES", b"result", pa.Table.from_pylist([told], ANSWERS)),
    ):
        verb()
        named = {}
        for event in journal.events():
            named |= event.payload.get("witness", {})
        seen.append(stands())
        assert seen[-1].items() <= named.items()
    assert len({one["batch/2017-11-18/000001"] for one in seen}) == 4, "sealed, delivered, quarantined, applied"


def test_who_was_overtaken_signs_nothing(notary, fence, journal):
    journal.acquire("other")
    with pytest.raises(Exception, match="FENCE_LOST"):
        notary.seal(fence, "accounts", "d" * 64)
    assert journal.root_lines() == ()


def test_killed_between_event_and_file_the_line_is_made_good(notary, fence, journal, tmp_path):
    notary.seal(fence, "a", "1")
    journal.note("op", "said", {})
    journal.add_root(fence, "b", "2", notary.key)
    assert [f.code for f in notary.check()] == ["ROOTS_FILE"]
    journal.note("op", "said", {})
    Notary(journal, tmp_path).seal(fence, "c", "3")
    assert [json.loads(line)["gate"] for line in lines(notary)] == ["a", "b", "c"]
    assert notary.check() == ()


def test_killed_in_the_middle_of_a_line_the_rest_is_made_good(notary, fence, journal):
    notary.seal(fence, "a", "1")
    path = notary.folder / ROOTS
    path.write_text(path.read_text()[:40])
    notary.guard()
    assert notary.check() == ()


@pytest.mark.parametrize("spoil", ["lost", "cut", "changed"])
def test_a_file_that_was_lost_or_changed_closes_the_gate_until_somebody_answers_for_it(notary, fence, journal, spoil):
    for n in range(3):
        journal.note("op", "said", {"n": n})
        notary.seal(fence, "a", str(n))
    path = notary.folder / ROOTS
    text = path.read_text()
    if spoil == "lost":
        path.unlink()
    else:
        path.write_text(text[: len(text) // 3] if spoil == "cut" else text.replace('"n":2', '"n":7'))
    journal.note("op", "said", {})
    with pytest.raises(GateClosed) as raised:
        notary.seal(fence, "b", "9")
    assert codes(raised) == ["ROOTS_FILE"]
    assert [f.code for f in notary.verify()] == ["ROOTS_FILE"]
    assert notary.restore("ann", "disk replaced") == 3
    assert path.read_text() == text
    notary.seal(fence, "b", "9")
    assert notary.verify() == ()
    assert [e.actor for e in journal.events() if e.kind == "roots_restored"] == ["ann"]


def test_a_journal_older_than_its_roots_stops_everything(notary, fence, journal, pg_url, tmp_path):
    notary.seal(fence, "a", "1")
    newer = (notary.folder / ROOTS).read_text()
    (notary.folder / ROOTS).write_text(newer * 2)  # as if the journal had been restored from before the second root
    with pytest.raises(GateClosed) as raised:
        notary.guard()
    assert codes(raised) == ["JOURNAL_OLDER"]
    with pytest.raises(GateClosed) as raised:
        notary.restore("ann", "r")
    assert codes(raised) == ["JOURNAL_OLDER"], "nobody can wave that through"


def test_the_key_is_made_once_for_its_owner_only(notary, fence, tmp_path):
    notary.seal(fence, "a", "1")
    key = tmp_path / "keys" / "evidence.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(notary.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((notary.folder / ROOTS).stat().st_mode) == 0o600
    assert EvidenceKey.open(tmp_path).public == notary.key.public == public_keys(notary.folder)[0]


def test_another_key_is_noticed_and_taken_into_use_only_by_name(notary, fence, journal, tmp_path):
    notary.seal(fence, "a", "1")
    (tmp_path / "keys" / "evidence.key").unlink()
    again = Notary(journal, tmp_path)
    journal.note("op", "said", {})
    with pytest.raises(GateClosed) as raised:
        again.seal(fence, "b", "2")
    assert codes(raised) == ["EVIDENCE_KEY_CHANGED"]
    again.restore("ann", "key store replaced")
    again.seal(fence, "b", "2")
    assert len(public_keys(again.folder)) == 2
    assert again.verify() == ()


def test_a_key_from_elsewhere(tmp_path):
    made = EvidenceKey.open(tmp_path)
    path = str(tmp_path / "keys" / "evidence.key")
    assert EvidenceKey.open(tmp_path / "other", {"CUTOVER_EVIDENCE_KEY": path}).public == made.public
    for wrong in (str(tmp_path / "nowhere"), __file__):
        with pytest.raises(ConfigurationError) as raised:
            EvidenceKey.open(tmp_path, {"CUTOVER_EVIDENCE_KEY": wrong})
        assert codes(raised) == ["EVIDENCE_KEY_INVALID"]
