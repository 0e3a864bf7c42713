"""The fault plan: refusals, holds, slow writing, and every corruption."""

from __future__ import annotations

import pytest

from migration.sandbox.bank import PlanError, dump, exchange
from migration.sandbox.bank.corruptions import HOWS
from migration.sandbox.bank.faults import parse
from migration.sandbox.bank.numbers import luhn_digit
from tests.unit.sandbox.bankfiles import account, authorisation, company, debt, listing, person_id

WIDTHS = {"accounts": 364, "listings": 473, "debts": 282, "authorisations": 290}


def user(town, batch: str, **change: str) -> str:
    fields = {"app_id": "U1", "id_no": person_id(1), **change}
    return town.ask(batch, account(**fields))[0][39:43].decode()


# -- refusals


def test_a_user_is_refused_until_his_data_change(town):
    town.plan('[refuse_users]\nU1 = "106"')
    assert user(town, "000001") == "F106"
    assert user(town, "000002") == "F106"
    assert user(town, "000003", email="a@example.com") == "F106"
    assert user(town, "000004", phone="13800000009") == "S000"


def test_refusals_are_counted_across_a_restart(town):
    town.plan('[refuse_users]\nU1 = { code = "103", times = 2 }')
    assert user(town, "000001", phone="13800000001") == "F103"
    town.restart()
    assert user(town, "000002", phone="13800000002") == "F103"
    assert user(town, "000003", phone="13800000003") == "S000"


def test_a_refusal_for_ever_and_switched_off(town):
    town.plan('[refuse_users]\nU1 = { code = "103", until_changed = false }')
    assert user(town, "000001") == "F103"
    assert user(town, "000002", phone="13800000002") == "F103"
    town.plan("")
    assert user(town, "000003") == "S000"
    assert "fault plan read again" in town.said


def test_listings_and_debts_are_refused(town):
    town.plan(
        '[refuse_listings]\nL2 = { code = "25", times = 1 }\n'
        '[refuse_debts]\nD2 = "93"\nL3 = { code = "99", times = 1 }\n'
    )
    first, second = town.open_customers(2)
    answers = town.ask("000002", *[listing(f"L{n}", first) for n in (1, 2, 3)])
    assert [a[271:273] for a in answers] == [b"00", b"25", b"00"]
    assert town.ask("000003", listing("L2", first, batch="000003"))[0][271:273] == b"00"
    records = [debt("D1", second, "L1"), debt("D2", second, "L1"), debt("D3", second, "L3"), debt("D4", second, "L3")]
    answers = town.ask("000004", *[r.replace(b"000003", b"000004", 1) for r in records])
    assert [a[160:162] for a in answers] == [b"00", b"93", b"99", b"00"]
    answers = town.ask("000005", *[r.replace(b"000003", b"000005", 1) for r in records[1:3]])
    assert [a[160:162] for a in answers] == [b"93", b"00"]
    assert {row["debt_id"] for row in dump(town.state)["debts"]} == {"D1", "D3", "D4"}


def test_a_broken_plan_leaves_the_one_before_in_force(town):
    town.plan('[refuse_users]\nU1 = { code = "103", until_changed = false }')
    assert user(town, "000001") == "F103"
    town.plan('[refuse_users]\nU1 = "000"')
    assert user(town, "000002") == "F103"
    assert any("'000' is no code" in line for line in town.said)
    town.faults.unlink()
    assert user(town, "000003") == "S000"


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ({"refuse_user": {}}, "refuse_user"),
        ({"refuse_users": {"U1": "00"}}, "no code"),
        ({"refuse_users": {"U1": {"code": "106", "time": 1}}}, "time"),
        ({"refuse_users": {"U1": {"code": "106", "times": True}}}, "times"),
        ({"refuse_debts": {"D1": "100"}}, "no code"),
        ({"already_open": [1]}, "already_open"),
        ({"hold": [{"match": "x"}]}, "seconds"),
        ({"hold": [{"match": "x", "sort": "firm", "seconds": 1}]}, "sort"),
        ({"corrupt": [{"match": "x", "how": "magic"}]}, "how"),
        ({"corrupt": [{"how": "echo"}]}, "match"),
        ({"seed": "1"}, "seed"),
        ({"sftp": [{"match": "x", "how": "magic"}]}, "how"),
        ({"sftp": [{"match": "x", "how": "drop", "on": "sale"}]}, "on"),
        ({"hours": {"span": "22:00-08:00"}}, "22:00-08:00"),
        ({"hours": {"spin": "08:00-22:00"}}, "spin"),
        ({"clock": {"starts": 9}}, "starts"),
    ],
)
def test_wrong_plans(plan, complaint):
    with pytest.raises(PlanError, match=complaint):
        parse(plan)


def test_a_plan_may_be_json(town):
    town.faults = town.root / "faults.json"
    town.faults.write_text('{"refuse_users": {"U1": "106"}}', "utf-8")
    assert user(town, "000001") == "F106"


# -- holds and slow writing


def test_company_answers_are_held_until_released(town):
    rule = '[[hold]]\nmatch = "APPZX"\nsort = "company"\nuntil_released = true\n'
    town.plan(rule)
    persons = town.put("000001", account("U1", person_id(1)))
    firms = town.put("000002", company("C1"))
    assert town.bank.tick() == 2
    town.now += 10**6
    town.bank.tick()
    assert (persons.exists(), firms.exists()) == (True, False)
    assert [row["app_id"] for row in dump(town.state)["accounts"]] == ["C1", "U1"]
    town.plan(rule + "released = true\n")
    assert town.bank.tick() == 0
    assert firms.exists()


def test_an_answer_is_held_for_seconds(town):
    town.plan('[[hold]]\nmatch = "APPZX0110RES-000001"\nseconds = 30')
    result = town.put("000001", account("U1", person_id(1)))
    town.bank.tick()
    town.now += 29
    town.restart()
    town.bank.tick()
    assert not result.exists()
    town.now += 1
    town.bank.tick()
    assert result.exists()


def test_an_answer_written_slowly_is_seen_in_parts(town):
    town.plan('[[slow_write]]\nmatch = "APPZX"\npieces = 4\nseconds = 3')
    result = town.put("000001", account("U1", person_id(1)))
    seen = []
    town.options["sleep"] = lambda seconds: seen.append((seconds, result.stat().st_size))
    town.bank.tick()
    assert seen == [(1.0, 92), (1.0, 184), (1.0, 276)]
    assert result.stat().st_size == 365
    result.unlink()
    town.bank.tick()  # used up: the next writing is as it should be
    assert (len(seen), result.stat().st_size) == (3, 365)


def test_killed_while_writing_slowly(town):
    town.plan('[[slow_write]]\nmatch = "APPZX"')
    result = town.put("000001", account("U1", person_id(1)))

    def die(_seconds):
        raise KeyboardInterrupt

    town.options["sleep"] = die
    with pytest.raises(KeyboardInterrupt):
        town.bank.tick()
    assert 0 < result.stat().st_size < 365
    town.restart()
    town.options["sleep"] = lambda _seconds: None
    town.bank.tick()
    assert result.stat().st_size == 365


# -- corruptions


@pytest.fixture
def spoilt(town):
    """Make a file of three good answers, clean and as the rule spoils it."""

    def make(kind: str, how: str, **options: object) -> tuple[bytes, bytes]:
        named = "".join(f"{key} = {value!r}\n" for key, value in options.items())
        head = {"accounts": "APPZX", "listings": "BIDIN", "debts": "BID-", "authorisations": "SIGTRAN"}[kind]
        rule = f'[[corrupt]]\nmatch = "{head}.*000009"\nhow = "{how}"\n{named}'
        town.plan('already_open = ["N0", "N1", "N2"]\n' + rule)
        first, second, third = town.open_customers(3)
        if kind == "accounts":
            records = [account(f"V{n}", person_id(n + 10), phone=f"137{n:08d}") for n in range(3)]
        if kind == "listings":
            town.ask("000008", listing("K1", first, batch="000008"))
            records = [listing(f"L{n}", first, batch="000009") for n in range(3)]
        if kind == "debts":
            town.ask("000002", listing("L1", first))
            town.ask("000008", debt("K1", second, "L1", batch="000008"))
            records = [debt(f"D{n}", holder, "L1", batch="000009") for n, holder in enumerate((first, second, third))]
        if kind == "authorisations":
            active = [account(f"N{n}", person_id(n + 20), phone=f"136{n:08d}") for n in range(3)]
            opened = [answer[:19].decode() for answer in town.ask("000007", *active)]
            records = [authorisation(f"S{n}", number, batch="000009") for n, number in enumerate(opened)]
        result = town.put("000009", *records)
        town.bank.tick()
        bad = result.read_bytes()
        result.unlink()  # as the platform's quarantine does
        town.bank.tick()
        return bad, result.read_bytes()

    return make


def differing(bad: bytes, good: bytes) -> list[int]:
    """Positions (from 0) of the bytes that differ in two files of one length."""
    assert len(bad) == len(good)
    return [at for at, pair in enumerate(zip(bad, good, strict=True)) if pair[0] != pair[1]]


KINDS = {
    "accounts": {"account_prefix", "account_short", "account_blank", "account_twice", "acctype"},
    "listings": {"code22", "account_blank"},
    "debts": {"blank_authcode", "authcode_twice", "account_blank"},
    "authorisations": {"account_blank"},
}
EVERYWHERE = {
    "echo", "truncate", "double", "missing", "unknown", "account", "code", "blank_code", "header", "encoding", "nul",
    "bom", "lone_cr", "mixed_eol", "fullwidth", "longer", "empty", "reorder",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "how"), [(kind, how) for kind, own in KINDS.items() for how in sorted(EVERYWHERE | own)]
)
def test_every_corruption_spoils_once_and_then_comes_clean(town, spoilt, kind, how):
    bad, good = spoilt(kind, how)
    assert bad != good
    assert len(good) == 3 * (WIDTHS[kind] + 1)
    assert [row["fault"] != "" for row in dump(town.state)["emissions"]][-2:] == [True, False]
    assert {row["count"] for row in dump(town.state)["effects"]} == {1}


def test_no_corruption_is_left_untested():
    assert EVERYWHERE.union(*KINDS.values()) | {"replay"} == set(HOWS)


@pytest.mark.parametrize(
    ("kind", "how", "options", "places"),
    [
        ("accounts", "echo", {"record": 2}, range(365 + 164, 365 + 176)),
        ("accounts", "echo", {"field": "NAME"}, range(43, 103)),
        ("accounts", "echo", {"field": "INFO"}, range(176, 276)),
        ("accounts", "account", {"record": 3}, range(730 + 18, 730 + 19)),
        ("accounts", "acctype", {}, range(103, 104)),
        ("listings", "echo", {"record": 3}, range(948 + 189, 948 + 202)),
        ("listings", "code22", {}, range(271, 273)),
        ("listings", "header", {"record": 2}, range(474 + 4, 474 + 10)),
        ("listings", "header", {"field": "BANK"}, range(4)),
        ("listings", "encoding", {}, range(109, 110)),
        ("debts", "echo", {"record": 2}, range(283 + 79, 283 + 92)),
        ("debts", "blank_authcode", {"record": 3}, range(566 + 162, 566 + 182)),
        ("debts", "code", {}, range(160, 162)),
        ("debts", "echo", {"field": "BIDIF"}, range(182, 222)),
        ("authorisations", "blank_code", {}, range(88, 90)),
    ],
)
def test_corruptions_lie_where_they_are_meant_to(spoilt, kind, how, options, places):
    bad, good = spoilt(kind, how, **options)
    assert set(differing(bad, good)) <= set(places)
    assert differing(bad, good)


def test_what_the_account_corruptions_give(spoilt):
    bad, _ = spoilt("accounts", "account_prefix")
    number = bad[:19].decode()
    assert number[:6] != "621246"
    assert luhn_digit(number[:-1]) == number[-1]


def test_account_twice_gives_one_number_to_two(spoilt):
    bad, good = spoilt("accounts", "account_twice", record=2)
    assert bad[365 : 365 + 19] == bad[730 : 730 + 19] == good[730 : 730 + 19] != good[365 : 365 + 19]


@pytest.mark.parametrize(
    ("how", "rows"), [("double", [0, 1, 1, 2]), ("missing", [0, 2]), ("empty", []), ("unknown", [0, None, 1, 2])]
)
def test_corruptions_of_whole_records(spoilt, how, rows):
    bad, good = spoilt("debts", how, record=2)
    bad_rows, good_rows = bad.splitlines(), good.splitlines()
    assert [good_rows.index(row) if row in good_rows else None for row in bad_rows] == rows


def test_reorder_is_the_same_for_the_same_seed(spoilt):
    bad, good = spoilt("listings", "reorder")
    assert bad != good
    assert sorted(bad.splitlines()) == sorted(good.splitlines())


def test_truncate_by_bytes(spoilt):
    bad, good = spoilt("listings", "truncate", bytes=1)
    assert bad == good[:-1]


@pytest.mark.parametrize("kind", ["listings", "debts"])
def test_replay_gives_an_older_answer(spoilt, kind):
    bad, good = spoilt(kind, "replay")
    assert (bad.count(b"\n"), good.count(b"\n")) == (1, 3)
    assert bad[4:10] == b"000008"


def test_a_corruption_takes_the_next_good_record(town):
    town.plan(
        '[refuse_users]\nU1 = "106"\nU2 = "106"\n[[corrupt]]\nmatch = "APPZX"\nhow = "account_blank"\nrecord = 1\n'
    )
    records = [account(f"U{n}", person_id(n), phone=f"138{n:08d}") for n in (1, 2, 3)]
    only_refused = town.ask("000001", records[0])  # has no good record: clean, and not counted
    assert only_refused[0][39:43] == b"F106"
    answers = town.ask("000002", *records)
    assert [a[39:40] for a in answers] == [b"F", b"F", b"S"]
    assert answers[2][:19] == b" " * 19


@pytest.mark.parametrize(("per_file", "spoilt_files"), [("false", 1), ("true", 2)])
def test_times_counts_in_all_or_of_each_file(town, per_file, spoilt_files):
    town.plan(f'[[corrupt]]\nmatch = "APPZX"\nhow = "empty"\nper_file = {per_file}')
    results = [town.put(f"00000{n}", account(f"U{n}", person_id(n), phone=f"1380000000{n}")) for n in (1, 2)]
    town.bank.tick()
    assert [path.stat().st_size for path in results].count(0) == spoilt_files


def test_times_hold_across_restarts_and_resumed_writing(town, monkeypatch):
    town.plan('[[corrupt]]\nmatch = "APPZX"\nhow = "empty"\ntimes = 2')
    result = town.put("000001", account("U1", person_id(1)))

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(exchange, "write", die)
        with pytest.raises(KeyboardInterrupt):
            town.bank.tick()
    sizes = []
    for _ in range(3):
        town.restart()
        town.bank.tick()
        sizes.append(result.stat().st_size)
        result.unlink()
    assert sizes == [0, 0, 365]
