"""APPZX: every code, both flags, and the numbers the bank gives."""

from __future__ import annotations

from hashlib import sha256

import pytest

from migration.sandbox.bank import Profile, dump
from migration.sandbox.bank.numbers import account_number, identity, is_adult, luhn_digit
from tests.unit.sandbox.bankfiles import account, company, person_id, text


def code_of(record: bytes) -> str:
    """FLAG and ERRCODE by their bytes: 40, 41-43."""
    assert len(record) == 364
    return record[39:43].decode().strip()


def ask_one(town, record: bytes) -> str:
    return code_of(town.ask("000001", record)[0])


def test_opens_a_person_byte_for_byte(town):
    id_no = person_id(1)
    (answer,) = town.ask("000001", account("U1", id_no, name="王|一", info="keep"))
    number = int(sha256(b"account|U1").hexdigest(), 16) % 10**12
    body = f"621246{number:012d}"
    expected = (
        (body + luhn_digit(body)).encode() + text(id_no, 18) + b"01" + b"S" + b"000" + text("王|一", 60) + b"0"
        + text("U1", 60) + text("13800000000", 12) + text("keep", 100) + b" " * 88
    )  # fmt: skip
    assert answer == expected


def test_account_numbers_are_the_documented_ones():
    # 'account|U000001' worked out with sha256sum and bc
    digits = int(sha256(b"account|U000001").hexdigest(), 16) % 10**12
    number = account_number("621246", "account|U000001")
    assert len(number) == 19
    assert number[6:18] == f"{digits:012d}"
    doubled = sum(sum(divmod(int(c) * (1 + i % 2), 10)) for i, c in enumerate(reversed(number)))
    assert doubled % 10 == 0


def test_luhn_of_a_known_number():
    assert luhn_digit("7992739871") == "3"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"app_id": ""}, "F109"),
        ({"acc_type": "1"}, "F111"),
        ({"acctype": "7"}, "F111"),
        ({"id_no": "11010519491231002X", "gen": "2"}, "S000"),  # the example of GB 11643
        ({"id_no": "110105194912310021", "gen": "2"}, "F101"),
        ({"id_no": "11010519491231002"}, "F101"),
        ({"id_no": person_id(1, "19900230")}, "F101"),
        ({"id_no": person_id(1, "20180101")}, "F101"),
        ({"id_type": "25"}, "F101"),
        ({"id_type": "09"}, "F101"),
        ({"name": ""}, "F102"),
        ({"name": " 李伟"}, "F103"),
        ({"raw_name": b"\xc0\xee\x81" + b" " * 57}, "F103"),
        ({"gen": ""}, "F104"),
        ({"gen": "3"}, "F105"),
        ({"gen": "2"}, "F105"),
        ({"phone": ""}, "F106"),
        ({"phone": "12800000000"}, "F106"),
        ({"phone": "1380000000"}, "F106"),
        ({"id_no": person_id(1, "19991119")}, "F108"),
        ({"id_no": person_id(1, "19991118")}, "S000"),
    ],
)
def test_person_codes(town, change, code):
    fields = {"app_id": "U1", "id_no": person_id(1), **change}
    assert ask_one(town, account(**fields)) == code
    opened = [row["app_id"] for row in dump(town.state)["accounts"]]
    assert opened == (["U1"] if code == "S000" else [])


def test_lower_case_x_is_invalid(town):
    number = next(person_id(n) for n in range(100) if person_id(n).endswith("X"))
    assert ask_one(town, account("U1", number.lower())) == "F101"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (company("C1"), "S000"),
        (company("C1", "91350100M000100Y44"), "F101"),
        (company("C1", "91350100M000100I43"), "F101"),
        (company("C1", caccount=""), "F112"),
        (company("C1", gen="1"), "F105"),
        (company("C1", "000000000", id_type="20"), "S000"),
        (company("C1", "D2143569-X", id_type="20"), "S000"),
        (company("C1", "D21435691", id_type="20"), "F101"),
        (company("C1", person_id(1), id_type="01"), "F101"),
    ],
)
def test_company_codes(town, record, code):
    assert ask_one(town, record) == code


def test_persons_and_companies_do_not_mix(town):
    answers = town.ask("000001", account("U1", person_id(1)), company("C1"))
    assert [code_of(a) for a in answers] == ["S000", "F113"]


def test_id_phone_and_appid_are_unique(town):
    first = account("U1", person_id(1))
    same_file = account("U2", person_id(2))
    assert [code_of(a) for a in town.ask("000001", first, same_file)] == ["S000", "F107"]
    later = [
        account("U2", person_id(2)),  # the phone of U1
        account("U3", person_id(1), phone="13800000003"),  # the ID of U1
        account("U1", person_id(4), phone="13800000004"),  # the APPID of U1
        first,  # opened twice
    ]
    assert [code_of(a) for a in town.ask("000002", *later)] == ["F106", "F108", "F108", "F108"]
    assert [row["app_id"] for row in dump(town.state)["accounts"]] == ["U1"]


def test_a_15_digit_card_is_the_same_person(town):
    long = person_id(1, "19750307")
    short = long[:6] + long[8:17]
    assert identity(b"02", short.encode()) == long
    answers = town.ask("000001", account("U1", long), account("U2", short, id_type="02", phone="13800000002"))
    assert [code_of(a) for a in answers] == ["S000", "F108"]


def test_18_by_the_exact_date():
    from datetime import date

    assert not is_adult(date(2000, 2, 29), date(2018, 2, 28))
    assert is_adult(date(2000, 2, 29), date(2018, 3, 1))


def test_flag_n_of_the_same_person(town):
    town.plan('already_open = ["U1"]')
    id_no = person_id(1)
    (answer,) = town.ask("000001", account("U1", id_no))
    assert code_of(answer) == "N000"
    assert answer[:19].decode() == account_number("621246", f"elsewhere|{id_no}")
    assert answer[19:37] == text(id_no, 18)
    assert answer[43:103] == text("李伟", 60)
    assert answer[164:176] == text("13800000000", 12)
    (row,) = dump(town.state)["accounts"]
    assert (row["app_id"], row["flag"]) == ("U1", "N")


def test_flag_n_of_another_person_is_not_linked(town):
    town.plan('already_open_other = ["U1"]')
    record = account("U1", person_id(1))
    (answer,) = town.ask("000001", record)
    assert code_of(answer) == "N000"
    assert answer[43:103] != text("李伟", 60)
    assert answer[164:176] != text("13800000000", 12)
    assert answer[104:164] == text("U1", 60)
    (row,) = dump(town.state)["accounts"]
    assert row["app_id"] is None
    assert dump(town.state)["effects"] == []
    # the same again: still the other one, no second customer
    assert code_of(town.ask("000002", record)[0]) == "N000"
    assert len(dump(town.state)["accounts"]) == 1
    # the ID was wrong; with the right one he is opened
    assert code_of(town.ask("000003", account("U1", person_id(2)))[0]) == "S000"


def test_a_taken_account_number_gets_a_suffix(town):
    taken = account_number("621246", "account|U1")
    town.options["profile"] = Profile(platform_accounts=frozenset({taken}))
    (answer,) = town.ask("000001", account("U1", person_id(1)))
    assert answer[:19].decode() == account_number("621246", "account|U1|1")


def test_text_that_is_no_gbk_is_refused(town):
    record = account("U1", person_id(1))
    place = 18 + 2 + 60 + 1 + 12 + 1
    spoilt = record[:place] + b"a\x81" + record[place + 2 :]
    assert ask_one(town, spoilt) == "F114"
