"""The verifier on a small cutover: silent when all is right, and each kind of wrong is named by the right check."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from migration.verification import library, planted
from migration.verification.chinese import NOT_SEEN
from migration.verification.evidence import Verification
from migration.verification.library import SPECS, ask, survey
from migration.verification.run import counts, verify
from migration.verification.workbench import Workbench
from tests.unit.verification.small_world import NUMBER, World, id_card, record


def failing(world: World) -> dict[str, list[str]]:
    with Workbench(world.evidence()) as bench:
        return {name: keys for name, keys in ask(bench).items() if keys}


def test_a_right_cutover_with_a_correct_merge_raises_no_alarm():
    found = verify(World().evidence())
    assert found.findings == ()
    assert found.differences == 0
    assert found.planted_unseen == 0
    assert [plant.name for plant in found.plants if not plant.planted] == []


def test_measures_carry_the_ids_of_the_gate():
    found = counts(World().evidence())
    assert found["given.verification.differences"] == 0
    assert found["given.verification.planted_unseen"] == 0
    assert found["verification.debts.sent"] == 0


def test_json_has_codes_and_keys_and_nobodys_data():
    world = World()
    world.row("debts", "D3")["principal_fen"] = 299_999
    text = json.dumps(verify(world.evidence()).as_json(), ensure_ascii=False)
    assert "VERIFY_DEBTS_CLAIMED" in text
    assert "debts.claimed/D3" in text
    for secret in ("张", id_card(3), "13800000003", NUMBER["P3"]):
        assert secret not in text


def test_every_check_has_a_name_of_its_own_and_says_in_both_languages_what_it_does_not_see():
    assert len({spec.name for spec in SPECS}) == len(SPECS)
    assert {spec.name for spec in SPECS} == set(NOT_SEEN)


# --- kinds of wrong ----------------------------------------------------------------------------------------------------


def _swap(world: World, table: str, column: str, one: str, other: str) -> None:
    a, b = world.row(table, one), world.row(table, other)
    a[column], b[column] = b[column], a[column]


def _principals(w: World) -> None:
    _swap(w, "debts", "principal_fen", "D3", "D4")


def _rounded(w: World) -> None:
    w.row("debts", "D9")["principal_fen"] = 899_999


def _moved_digit(w: World) -> None:
    w.row("debts", "D3").update(principal_fen=30_000, interest_fen=3_000)


def _doubled(w: World) -> None:
    w.claim["debts"].append(dict(w.row("debts", "D6")))


def _lost(w: World) -> None:
    w.claim["debts"].remove(w.row("debts", "D9"))
    w.files["q6"].pop()
    w.files["a6"].pop()
    w.batches["6"].update(rows=5, sum_fen=2_600_000)


def _given(w: World) -> None:
    w.row("debts", "D4").update(holder_user_id="P9", holder_account=NUMBER["P9"])


def _unmerged(w: World) -> None:
    w.row("debts", "D2").update(holder_user_id="P2", holder_account=None)


def _stranger(w: World) -> None:
    w.row("users", "P2")["kept_user_id"] = "P5"


def _left_out(w: World) -> None:
    w.row("users", "P2").update(disposition="self_open", kept_user_id="P2")


def _effect(w: World) -> None:
    w.row("debts", "D3").update(disposition="excepted", authcode=None)
    w.signed.append({"entity": "debts", "key": "D3", "code": "OVERDUE"})


def _unsigned(w: World) -> None:
    w.signed.clear()


def _left_open(w: World) -> None:
    w.row("debts", "D7")["disposition"] = "blocked"


def _padded(w: World) -> None:
    w.edit("q1", 4, 20, " 张五".encode("gbk"))


def _end(w: World) -> None:
    w.edit("q6", 1, 111, b"20180619")


def _rate(w: World) -> None:
    w.edit("q3", 1, 149, b"01250001")


def _guarantor(w: World) -> None:
    blank = b" " * 19
    w.edit("q3", 1, 157, blank)
    w.edit("a3", 1, 214, blank)


def _due(w: World) -> None:
    row = w.row("schedules", "L2")
    row["due_date"] = row["due_date"] + timedelta(days=1)


def _two_owners(w: World) -> None:
    w.row("users", "P8")["account_no"] = NUMBER["P9"]


def _no_luhn(w: World) -> None:
    wrong = NUMBER["P8"][:-1] + str((int(NUMBER["P8"][-1]) + 1) % 10)
    w.row("users", "P8")["account_no"] = wrong
    w.edit("a1", 7, 0, wrong.encode())


def _flag(w: World) -> None:
    w.row("users", "P3")["activated"] = False


def _other_person(w: World) -> None:
    w.edit("a1", 3, 24, "李四".encode("gbk"))


def _bytes(w: World) -> None:
    w.batches["6"]["request_sha256"] = "0" * 64


def _number_gap(w: World) -> None:
    w.batches["6"]["batch_no"] = "000007"
    for row in w.claim["debts"]:
        row["batch_no"] = "000007" if row.get("batch_no") == "000006" else row.get("batch_no")


def _answer_twice(w: World) -> None:
    w.files["a6"].append(w.files["a6"][0])


def _foreign_header(w: World) -> None:
    w.edit("a6", 2, 4, b"000005")


def _echo(w: World) -> None:
    w.edit("a6", 2, 79, b"0000000400001")


def _bank_name(w: World) -> None:
    w.edit("a6", 2, 92, "李四".encode("gbk"))


def _code_twice(w: World) -> None:
    w.row("debts", "D4")["authcode"] = w.row("debts", "D3")["authcode"]


def _cash(w: World) -> None:
    w.row("residuals", "EP2")["entitled_user_id"] = "P2"


def _notice(w: World) -> None:
    w.claim["notices"].pop()


def _figure(w: World) -> None:
    w.balance["registered_fen"] = int(str(w.balance["registered_fen"])) + 1


def _finished(w: World) -> None:
    w.row("listings", "L3")["disposition"] = "excepted"


def _truncated(w: World) -> None:
    w.files["a6"][-1] = w.files["a6"][-1][:-20]


def _schedule_short(w: World) -> None:
    w.legacy("schedules", "L2")["principal"] = 1
    w.row("schedules", "L2")["principal_fen"] = 1
    w.row("listings", "L2")["outstanding_fen"] = -6


CASES = [
    (_principals, {"debts.claimed": ["D3", "D4"], "debts.registered": ["D3", "D4"], "sums.persons": ["P3", "P5"]}),
    (_rounded, {"debts.claimed": ["D9"], "debts.registered": ["D9"], "sums.persons": ["P9"], "sums.listings": ["L2"]}),
    (_moved_digit, {"debts.claimed": ["D3"]}),
    (_doubled, {"debts.rows": ["D6"]}),
    (_lost, {"debts.rows": ["D9"], "sums.persons": ["P9"], "sums.listings": ["L2"]}),
    (_given, {"debts.holder": ["D4"], "sums.persons": ["P5", "P9"]}),
    (_unmerged, {"debts.holder": ["D2"], "debts.registered": ["D2"], "sums.persons": ["P1", "P2"]}),
    (_stranger, {"users.merged": ["P2"], "debts.holder": ["D2"], "residuals.claimed": ["EP2"]}),
    (_left_out, {"users.groups": ["P1"]}),
    (_effect, {"debts.effects": ["D3"]}),
    (_unsigned, {"users.words": ["P7"]}),
    (_left_open, {"debts.words": ["D7"]}),
    (_padded, {"users.sent": ["P4"], "files.echo": ["2017-11-18/000001#4"]}),
    (_end, {"debts.sent": ["D3"]}),
    (_rate, {"listings.sent": ["L1"]}),
    (_guarantor, {"listings.sent": ["L1"]}),
    (_due, {"schedules.rows": ["L2/1"]}),
    (_two_owners, {"users.numbers": ["P8", "P9"], "users.opened": ["P8"]}),
    (_no_luhn, {"users.numbers": ["P8"]}),
    (_flag, {"users.opened": ["P3"]}),
    (_other_person, {"users.opened": ["P3"]}),
    (_bytes, {"files.digests": ["2017-11-18/000006"]}),
    (_number_gap, {"files.numbers": ["2017-11-18/000007"]}),
    (_answer_twice, {"files.pairs": ["2017-11-18/000006#1"], "files.form": ["2017-11-18/000006"]}),
    (_foreign_header, {"files.numbers": ["2017-11-18/000006"]}),
    (_echo, {"files.echo": ["2017-11-18/000006#2"], "debts.registered": ["D4"]}),
    (_bank_name, {"files.names": ["2017-11-18/000006#2"]}),
    (_code_twice, {"debts.codes": ["D3", "D4"], "debts.registered": ["D4"]}),
    (_cash, {"residuals.claimed": ["EP2"]}),
    (_notice, {"notices.rows": ["P4/grant_repayment"]}),
    (_figure, {"balance.equation": ["registered_fen"]}),
    (_finished, {"listings.words": ["L3"]}),
    (_truncated, {"files.form": ["2017-11-18/000006"]}),
    (_schedule_short, {"sums.schedules": ["L2"]}),
]


@pytest.mark.parametrize(("spoil", "expected"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_each_kind_of_wrong_is_named(spoil, expected):
    world = World()
    spoil(world)
    found = failing(world)
    for check, keys in expected.items():
        assert found.get(check) == keys, found


def test_a_swap_within_a_listing_leaves_the_other_checks_silent():
    world = World()
    _principals(world)
    assert set(failing(world)) == {"debts.claimed", "debts.registered", "sums.persons", "balance.equation"}


def test_what_is_open_is_no_finding_before_the_end():
    world = World()
    world.final = False
    world.signed.clear()
    world.row("users", "P7").update(disposition="blocked")
    world.row("debts", "D7").update(disposition="blocked")
    world.balance.update(excepted_fen=0, difference_fen=700_000)
    world.balance["listings"] = [{"key": "L1", "legacy_fen": 1_700_010, "accounted_fen": 1_000_010}]
    world.balance["persons"] = [{"key": "P7", "legacy_fen": 700_000, "accounted_fen": 0}]
    assert failing(world) == {}


def test_a_verifier_that_cannot_see_says_so(monkeypatch):
    blind = [replace(s, sql="SELECT 'x' WHERE false") if s.name == "debts.sent" else s for s in SPECS]
    monkeypatch.setattr(library, "SPECS", tuple(blind))
    found: Verification = verify(World().evidence())
    assert found.planted_unseen == 2
    codes = {(f.code, f.subject) for f in found.findings}
    assert codes == {("VERIFIER_BLIND", "file_digit_moved"), ("VERIFIER_BLIND", "end_shifted")}


def test_a_verifier_that_sees_what_is_not_there_is_not_believed(monkeypatch):
    loud = [
        replace(s, sql=f"{s.sql} UNION ALL SELECT 'D1' FROM c_debts WHERE debt_id = 'D1' AND principal_fen <> 100000")
        if s.name == "debts.words"
        else s
        for s in SPECS
    ]
    monkeypatch.setattr(library, "SPECS", tuple(loud))
    assert verify(World().evidence()).planted_unseen > 0


def test_planting_leaves_the_claim_as_it_was():
    evidence = World().evidence()
    with Workbench(evidence) as bench:
        before = ask(bench)
        survey(bench, planted.Proof(bench, evidence).prove)
        assert ask(bench) == before


def test_an_empty_cutover_has_nothing_to_plant_in():
    world = World()
    for rows in (*world.snapshot.values(), *world.claim.values()):
        rows.clear()
    world.batches.clear()
    world.signed.clear()
    world.balance = {"legacy_fen": 0, "registered_fen": 0, "excepted_fen": 0, "residual_fen": 0, "in_flight_fen": 0}
    world.balance |= {"difference_fen": 0, "listings": [], "persons": []}
    found = verify(world.evidence())
    assert found.differences == 0
    assert not any(plant.planted for plant in found.plants)


def test_a_batch_that_is_not_answered_yet_is_no_difference():
    world = World()
    world.final = False
    world.batches["6"].update(state="delivered", result_name="", result_sha256="")
    for key in ("D3", "D4", "D5", "D6", "D8", "D9"):
        world.row("debts", key).update(disposition="pending", authcode=None)
    world.balance.update(registered_fen=300_010, difference_fen=3_500_000)
    found = failing(world)
    found.pop("balance.equation", None)  # its lists of differing keys are not at stake here
    assert found == {}


def test_the_whole_layouts_are_as_wide_as_the_document_says():
    from migration.verification.layouts import LAYOUTS

    widths = {name: (request.width, result.width) for name, (request, result) in LAYOUTS.items()}
    assert widths == {"accounts": (433, 364), "listings": (416, 473), "debts": (230, 282), "authorisations": (288, 290)}


def test_the_world_is_what_it_says():
    assert len(record(("a", 3), (5, 4))) == 8
    assert World().legacy("listings", "L1")["maturity_date"] == date(2018, 6, 18)
