"""BIDIN, BID and SIGTRAN: every code the sandbox gives of itself, and good answers byte for byte."""

from __future__ import annotations

import json
import random
from hashlib import sha256

import pytest

from migration.sandbox.bank import Profile, dump
from tests.unit.sandbox.bankfiles import account, authorisation, debt, listing, person_id, text

NOBODY = "6212460000000000000"


@pytest.fixture
def people(town):
    town.options["profile"] = Profile(
        institution="000187", issuer="MP", platform_accounts=frozenset({"6212460000000000018"})
    )
    return town.open_customers(4)


def listing_code(record: bytes) -> str:
    assert len(record) == 473
    return record[271:273].decode()  # bytes 272-273


def debt_code(record: bytes) -> str:
    assert len(record) == 282
    return record[160:162].decode()  # bytes 161-162


def test_registers_a_listing_byte_for_byte(town, people):
    record = listing(
        "L1", people[0], guarantor=people[1], nominal=people[2], nominal_flag="1", payee=people[3], entrust="1",
        inttype="1", payday="07", reserved="keep",
    )  # fmt: skip
    (answer,) = town.ask("000002", record)
    assert answer == (
        b"3005" + b"000002" + text("L1", 40) + text("装修借款", 60) + people[0].encode() + text("李伟", 60)
        + b"0000010000000" + b"0180" + b"20171118" + people[1].encode() + people[2].encode() + people[3].encode()
        + b"00" + text("keep", 100) + b" " * 100
    )  # fmt: skip
    (row,) = dump(town.state)["listings"]
    assert (row["listing_id"], row["amount_fen"], row["rate_e5"], row["term_days"]) == (
        "L1",
        10_000_000,
        1_250_000,
        180,
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bank": ""}, "01"),
        ({"batch": ""}, "02"),
        ({"number": ""}, "03"),
        ({"number": "L-1"}, "03"),
        ({"title": ""}, "04"),
        ({"borrower": ""}, "05"),
        ({"amount": ""}, "06"),
        ({"amount": " 000010000000"}, "06"),
        ({"amount": "00000100000.0"}, "06"),
        ({"amount": "0000000000000"}, "06"),
        ({"inttype": ""}, "07"),
        ({"term": ""}, "09"),
        ({"term": "180 "}, "09"),
        ({"term": "0000"}, "09"),
        ({"rate": ""}, "10"),
        ({"rate": "12.50000"}, "10"),
        ({"bank": "3006"}, "11"),
        ({"batch": "000009"}, "12"),
        ({"borrower": NOBODY}, "13"),
        ({"borrower": "6228880000000000000"}, "14"),
        ({"borrower": "6212460000000000018"}, "39"),
        ({"inttype": "3"}, "23"),
        ({"inttype": "1"}, "24"),
        ({"inttype": "1", "payday": "00"}, "24"),
        ({"inttype": "1", "payday": "32"}, "24"),
        ({"inttype": "0", "payday": "07"}, "24"),
        ({"guarantor": NOBODY}, "26"),
        ({"guarantor": "6212460000000000018"}, "39"),
        ({"nominal": NOBODY, "nominal_flag": "1"}, "32"),
        ({"payee": NOBODY, "entrust": "1"}, "50"),
        ({"nominal_flag": "Y"}, "46"),
        ({"nominal_flag": "1"}, "48"),
        ({"entrust": " "}, "45"),
        ({"entrust": "1"}, "41"),
        ({"rate": "00000000"}, "00"),
    ],
)
def test_listing_codes(town, people, change, code):
    (answer,) = town.ask("000002", listing(**{"number": "L1", "borrower": people[0], **change}))
    assert listing_code(answer) == code
    assert len(dump(town.state)["listings"]) == (code == "00")


def test_a_title_that_is_no_gbk(town, people):
    record = listing("L1", people[0])
    spoilt = record[:50] + b"\x81 " + record[52:]
    assert listing_code(town.ask("000002", spoilt)[0]) == "04"


def test_a_listing_exists_already_whatever_the_case(town, people):
    answers = town.ask("000002", listing("La1", people[0]), listing("LA1", people[0]))
    assert [listing_code(a) for a in answers] == ["00", "22"]
    (again,) = town.ask("000003", listing("lA1", people[0], batch="000003"))
    assert listing_code(again) == "22"
    assert [row["listing_id"] for row in dump(town.state)["listings"]] == ["La1"]


def test_another_institution_fails_the_platform_check(town, people):
    town.restart()
    town.options["profile"] = Profile(institution="000188")
    assert listing_code(town.ask("000002", listing("L1", people[0]))[0]) == "20"


def test_registers_a_debt_byte_for_byte(town, people):
    town.ask("000002", listing("L1", people[0]))
    (answer,) = town.ask("000003", debt("D1", people[1], "L1"))
    code = "A" + sha256(b"authcode|0001870000D1").hexdigest()[:19].upper()
    assert answer == (
        b"3005" + b"000003" + people[1].encode() + b"MP  " + b" " * 6 + text("0001870000D1", 40) + b"0000000250000"
        + text("李伟", 60) + b"20171118" + b"00" + code.encode() + text("L1", 40) + b" " * 60
    )  # fmt: skip
    assert answer[162:182].decode() == code  # bytes 163-182
    (row,) = dump(town.state)["debts"]
    assert (row["serial"], row["debt_id"], row["amount_fen"], row["authcode"]) == ("0001870000D1", "D1", 250_000, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bank": "3006"}, "99"),
        ({"batch": "000009"}, "99"),
        ({"issuer": "XX"}, "99"),
        ({"issuer": ""}, "99"),
        ({"product": "0110"}, "99"),
        ({"serial": ""}, "99"),
        ({"serial": "0001880000D1"}, "99"),
        ({"serial": "0001870000"}, "99"),
        ({"serial": "0001870001D1"}, "99"),
        ({"serial": "0001870000D-1"}, "99"),
        ({"amount": "0000000000000"}, "99"),
        ({"amount": "      2500.00"}, "99"),
        ({"buy": "20170229"}, "99"),
        ({"value": "20171119"}, "99"),
        ({"value": "20171118"}, "00"),
        ({"end": "20171117"}, "99"),
        ({"end": "20171118"}, "00"),
        ({"end": "00000000"}, "99"),
        ({"rate": "12.50000"}, "99"),
        ({"currency": "840"}, "99"),
        ({"inttype": "0"}, "99"),
        ({"listing_id": "L2"}, "99"),
        ({"holder": NOBODY}, "14"),
        ({"holder": ""}, "14"),
        ({"holder": "6212460000000000018"}, "14"),
    ],
)
def test_debt_codes(town, people, change, code):
    town.ask("000002", listing("L1", people[0]))
    (answer,) = town.ask("000003", debt(**{"debt_id": "D1", "holder": people[1], "listing_id": "L1", **change}))
    assert debt_code(answer) == code
    assert (answer[162:182].strip() != b"") == (code == "00")
    assert len(dump(town.state)["debts"]) == (code == "00")


def test_a_serial_counts_once(town, people):
    town.ask("000002", listing("L1", people[0]))
    answers = town.ask("000003", debt("D1", people[1], "L1"), debt("D1", people[2], "L1"))
    assert [debt_code(a) for a in answers] == ["00", "99"]
    (again,) = town.ask("000005", debt("D1", people[1], "L1", batch="000005"))
    assert debt_code(again) == "99"
    assert [(row["key"], row["count"]) for row in dump(town.state)["effects"] if row["entity"] == "debts"] == [
        ("0001870000D1", 1)
    ]


def test_authorisations(town, people):
    town.plan('already_open = ["N1"]')
    town.restart()
    (opened,) = town.ask("000007", account("N1", person_id(77), phone="13877777777"))
    active = opened[:19].decode()
    answers = town.ask(
        "000004",
        authorisation("S1", active),
        authorisation("S1", active, kind="2"),
        authorisation("S2", active),
        authorisation("S3", people[0]),
        authorisation("S4", NOBODY),
        authorisation("S5", ""),
        authorisation("S6", active, kind="3"),
        authorisation("S7", active, time="256000"),
    )
    assert {len(a) for a in answers} == {290}
    assert [a[88:90].decode() for a in answers] == ["00", "11", "10", "14", "16", "12", "20", "20"]
    assert [row["serial"] for row in dump(town.state)["authorisations"]] == ["S1"]


def test_twenty_thousand_debts_come_out_right(town, people):
    town.ask("000002", *[listing(f"L{n}", people[n % 4]) for n in range(50)])
    chance = random.Random(3)
    sent = {}
    for part in range(2):
        records = []
        for n in range(part * 10_000, part * 10_000 + 10_000):
            amount, holder = chance.randrange(1, 10**9), people[chance.randrange(4)]
            sent[f"0001870000D{n:06d}"] = (holder, f"L{n % 50}", amount)
            records.append(debt(f"D{n:06d}", holder, f"L{n % 50}", amount=f"{amount:013d}", batch=f"{part + 3:06d}"))
        answers = town.ask(f"{part + 3:06d}", *records)
        assert len(answers) == 10_000
        assert {debt_code(a) for a in answers} == {"00"}
    books = dump(town.state)
    assert {row["serial"]: (row["account_no"], row["listing_id"], row["amount_fen"]) for row in books["debts"]} == sent
    assert {row["count"] for row in books["effects"]} == {1}
    assert sum(row["records"] for row in json.loads(json.dumps(books))["files"] if row["kind"] == "debts") == 20_000
