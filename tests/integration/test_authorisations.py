"""Old authorisations carried over (policy.carry_authorisations): one file inside the debts stage, after the debts."""

from __future__ import annotations

import pytest

from tests.contract.platforms import row
from tests.support.platform import joined, person, small
from tests.support.rehearsal import Rehearsal

FAULTS = {
    "already_open": ["U2", "U6", "U7"],  # activated: the bank takes authorisations of these only
    "refuse_users": {"U7": "106"},
    "refuse_authorisations": {"S8": "11"},
}


def mandate(
    serial: str, user: str, kind: str = "auto_bid", granted: str | None = "2017-06-01 09:30:15"
) -> dict[str, object]:
    return row("authorisations", serial=serial, user_id=user, kind=kind, granted_at=granted)


def platform():
    """U5 is U2 again; U6 and U7 have no debts but U7 guarantees; U8 was never verified; P is the platform itself."""
    twin = {**person(5), "name": person(2)["name"], "id_no": person(2)["id_no"], "phone": "13900000005"}
    others = [
        twin,
        person(6),
        person(7),
        person(8, verified_at=None),
        {**person(9), "user_id": "P", "kind": "platform"},
    ]
    tables = joined(small(2), {"users": others})
    tables["listings"][1]["guarantor_id"] = "U7"
    tables["authorisations"] = [
        mandate("S1", "U2"),
        mandate("S2", "U5"),
        mandate("S3", "U3", "auto_assign"),
        mandate("S4", "P"),
        mandate("S5", "U8"),
        mandate("序号", "U6"),
        mandate("S7", "U7", "auto_assign", "2016-02-29 23:59:59"),
        mandate("S8", "U6"),
    ]
    return tables


def where(rehearsal: Rehearsal) -> dict[str, tuple[str, str | None]]:
    rows = rehearsal.exports()["authorisations"].to_pylist()
    return {r["serial"]: (r["disposition"], r["reason"]) for r in rows}


def batches(rehearsal: Rehearsal) -> list[tuple[str, str, int, str, bool]]:
    return [(b.batch_no, b.stage, b.round, b.kind, b.sample) for b in rehearsal.journal.batches()]


@pytest.fixture(scope="module")
def carried(tmp_path_factory) -> Rehearsal:
    """Run to the end: an unknown outcome signed, U7 corrected and opened in the second round."""
    found = Rehearsal(
        tmp_path_factory.mktemp("carried"), platform(), faults=FAULTS, carry_authorisations=True,
        verified=True, measured=True,
    )  # fmt: skip
    found.stops = []  # type: ignore[attr-defined]

    def run() -> int:
        code = found.run()
        found.stops.append((code, found.codes[:1]))  # type: ignore[attr-defined]
        return code

    run()
    found.before = where(found)  # type: ignore[attr-defined]
    found.sign(("authorisations", "S8"))
    run()
    found.correct("U7,phone,13800000007,13700000007,new phone,ops")
    run()
    return found


def test_the_run_stops_for_the_unknown_outcome_and_for_the_holder_only(carried):
    assert carried.stops == [(5, ["OUTCOME_UNKNOWN"]), (4, ["EXCEPTION_OPEN"]), (0, [])], carried.reasons
    assert carried.before["S8"] == ("blocked", "BANK_11")
    assert carried.before["S7"] == ("pending", None)


def test_each_has_its_disposition_and_reason(carried):
    assert where(carried) == {
        "S1": ("registered", "REGISTERED"),
        "S2": ("lapsed", "BANK_10"),  # merged: the kept account has one of this kind already
        "S3": ("lapsed", "BANK_14"),  # opened by the batch file and not activated yet
        "S4": ("lapsed", "PLATFORM_PARTY"),
        "S5": ("lapsed", "PARTY_NOT_OPENED"),
        "S7": ("registered", "REGISTERED"),
        "S8": ("excepted", "BANK_11"),
        "序号": ("lapsed", "FIELD_INVALID"),
    }


def test_the_file_takes_the_number_after_the_debts_of_its_round(carried):
    of_debts = [(number, rnd, kind) for number, stage, rnd, kind, _ in batches(carried) if stage == "debts"]
    assert [(r, k) for _, r, k in of_debts] == [(1, "debt"), (1, "authorisation"), (2, "debt"), (2, "authorisation")]
    assert sorted(of_debts) == of_debts
    sums = [b.sum_fen for b in carried.journal.batches() if b.kind == "authorisation"]
    assert sums == [0, 0]


def test_the_record_says_who_what_and_when(carried):
    (second,) = [c for n, c in carried.sent().items() if "SIGTRAN" in n and n.startswith("3005-MP-") and b"S7" in c]
    account = {r["user_id"]: r["account_no"] for r in carried.exports()["users"].to_pylist()}["U7"]
    number = next(b.batch_no for b in carried.journal.batches() if b.kind == "authorisation" and b.round == 2)
    expected = f"3005{number}{account}MP  2{'S7':40}20160229235959{'':200}\n"
    assert second.decode("gbk") == expected


def test_it_leaves_under_the_approval_of_the_debts(carried):
    gates = {(g.gate, g.round) for g in carried.journal.gates()}
    assert not {name for name, _ in gates} - {
        "accounts", "reopen", "listings.sample", "listings.full", "debts.sample", "debts.full", "reconcile",
    }  # fmt: skip
    for batch in carried.journal.batches():
        if batch.kind == "authorisation":
            (gate,) = [g for g in carried.journal.gates() if g.digest == batch.digest]
            assert (gate.gate, gate.round, len(gate.given)) == ("debts.full", batch.round, 2)


def test_whose_authorisation_lapsed_is_told_so(carried):
    told = {r["user_id"] for r in carried.exports()["notices"].to_pylist() if r["kind"] == "authorisation_lapsed"}
    assert told == {"U2", "U3", "P", "U8", "U6"}


def test_nothing_is_sent_and_all_lapse_without_the_policy(tmp_path):
    plain = Rehearsal(tmp_path, platform())
    assert plain.run() == 0
    assert {r for serial, r in where(plain).items()} == {("lapsed", "CONSENT_NEEDED")}
    assert not [name for name in plain.sent() if "SIGTRAN" in name]


def test_a_spoilt_answer_applies_no_row_and_the_good_one_goes_on(tmp_path):
    for how in ("echo", "truncate", "double", "missing", "unknown", "blank_code", "header", "nul", "bom", "lone_cr"):
        spoilt = {**FAULTS, "refuse_authorisations": {}, "corrupt": [{"match": "SIGRES", "how": how, "times": 1}]}
        found = Rehearsal(tmp_path / how, platform(), faults=spoilt, carry_authorisations=True)
        assert (found.run("debts"), found.codes[0]) == (3, "RESULT_QUARANTINED"), how
        assert set(found.journal.items("authorisations")["state"].to_pylist()) == {"open"}, how
        assert found.run("debts") in {0, 4}, (how, found.reasons)
        assert where(found)["S8"] == ("registered", "REGISTERED"), how
