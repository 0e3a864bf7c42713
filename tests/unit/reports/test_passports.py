"""Passports and masking."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from migration.domain.ports import Batch, Decision, Gate
from migration.reports import passports, redaction
from migration.reports.passports import Life
from migration.reports.texts import moment, span, yuan
from tests.unit.verification.small_world import DAY, NUMBER, World

AT = datetime(2017, 11, 18, 1, 2, 3, tzinfo=UTC)
BATCH = Batch(DAY, "000001", "accounts", 1, "person", False, 1, 8, 0, "applied", "REQ", "a" * 64, 3_472, "RES", "b" * 64,
              AT, "accounts#1", "d" * 64)  # fmt: skip
GATE = Gate("accounts", 1, "d" * 64, 1, "approved", "runner", (Decision("li", "approve", "", False, AT),))


def life(**other):
    world = World()
    attempt = {"batch_no": "000001", "business_date": DAY, "stage": "accounts", "round": 1, "sample": False, "record_no": 2,
               "state": "ok", "code": "S", "account_no": NUMBER["P1"], "authcode": None}  # fmt: skip
    correction = {"field": "phone", "by": "operations-1", "reason": "换成 13800000001", "old": "1", "new": "2"}
    exception = {
        "id": "X1",
        "code": "BANK_106",
        "state": "signed",
        "amount_fen": 100,
        "signed_by": "li",
        "reason": "ok",
    }
    parts = {
        "entity": "users", "key": "P1", "source": world.legacy("users", "P1"), "outcome": world.row("users", "P1"),
        "corrections": [correction], "attempts": [(attempt, BATCH, GATE)], "exceptions": [exception],
        "related": {"merged": ["P2"], "debts": []},
    }  # fmt: skip
    return Life(**{**parts, **other})


def test_a_passport_tells_the_whole_way_and_nobodys_data():
    found = passports.passport(life())
    text = "\n".join(passports.lines(found))
    for part in ("record 2 of REQ", "a" * 64, "answer   S (ok) in RES", "b" * 64, "accounts: li 2017-11-18 09:02:03",
                 "X1 BANK_106", "merged: P2", "disposition: opened", f"****{NUMBER['P1'][-4:]}"):  # fmt: skip
        assert part in text
    user = World().legacy("users", "P1")
    for whole in (text, json.dumps(found, ensure_ascii=False)):
        for secret in (user["name"], user["id_no"], user["phone"], user["email"], NUMBER["P1"]):
            assert secret not in whole


def test_corrections_show_fields_and_reasons_without_values():
    (row,) = passports.passport(life())["corrections"]
    assert row == {"field": "phone", "by": "operations-1", "reason": "换成 138****0001"}


def test_an_attempt_without_an_answer_and_without_an_approval():
    (row, _, _), *_ = life().attempts
    unanswered = Batch(DAY, "000001", "accounts", 1, "person", False, 1, 8, 0, "sealed", "REQ", "a" * 64)
    text = "\n".join(passports.lines(passports.passport(life(attempts=[(row, unanswered, None)]))))
    assert "answer   awaited" in text
    assert "approved" not in text


def test_money_reads_as_yuan():
    world = World()
    found = passports.passport(life(entity="debts", key="D1", source=world.legacy("debts", "D1"), outcome=None))
    text = "\n".join(passports.lines(found))
    assert "principal: 1,000.00" in text
    assert "not there" in text


@pytest.mark.parametrize(
    ("mask", "raw", "shown"),
    [
        (redaction.id_number, "110101198501010011", "110***********0011"),
        (redaction.id_number, "1234567", "*******"),
        (redaction.id_number, None, ""),
        (redaction.phone, "13812345678", "138****5678"),
        (redaction.phone, "+86 138 1234 5678", "138****5678"),
        (redaction.phone, "0571-88", "******"),
        (redaction.name, "欧阳小明", "欧***"),
        (redaction.account, "6212460000000000016", "****0016"),
        (redaction.email, "a@b.cn", "***"),
        (redaction.free, "旧号 13812345678，证件 11010119850101001x", "旧号 138****5678，证件 110***********001x"),
        (redaction.free, "见 2017 年第 3 号", "见 2017 年第 3 号"),
        (redaction.free, "138 1234 5678", "138****5678"),
        (redaction.free, "2017-11-18 补录 13812345678", "2017-11-18 补录 138****5678"),
        (redaction.free, None, ""),
    ],
)
def test_masks(mask, raw, shown):
    assert mask(raw) == shown


def test_a_company_keeps_two_characters_at_each_end():
    assert redaction.name("杭州某某网络科技有限公司", "company") == "杭州********公司"


def test_numbers_and_moments():
    assert yuan(1_234_567) == "12,345.67"
    assert yuan(-5) == "−0.05"
    assert yuan(None) == "–"
    assert moment(AT) == "2017-11-18 09:02:03"
    assert moment(AT.replace(tzinfo=None)) == "2017-11-18 09:02:03"
    assert span(AT, AT.replace(hour=2, second=8)) == "1:00:05"
