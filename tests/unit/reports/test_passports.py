"""Passports and masking."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from migration.domain.values import Batch, Decision, Gate
from migration.reports import passport_text, passports, redaction
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
               "result_record": 5, "inquiry": None, "state": "ok", "code": "S", "account_no": NUMBER["P1"], "authcode": None}  # fmt: skip
    correction = {
        "field": "phone",
        "by": "operations-1",
        "importer": "operations-2",
        "reason": "换成 13800000001",
        "old": "1",
        "new": "2",
    }
    exception = {
        "id": "X1",
        "code": "BANK_106",
        "state": "signed",
        "amount_fen": 100,
        "signed_by": "li",
        "reason": "ok",
    }
    parts = {
        "entity": "users", "key": "P1", "snapshot": ("e" * 64, AT), "source": world.legacy("users", "P1"), "outcome": world.row("users", "P1"),
        "corrections": [correction], "attempts": [(attempt, BATCH, GATE)], "exceptions": [exception],
        "related": {"debts_held": ["D1"], "notices": ["bind_card"], "authorisations": []},
        "decisions": [{"what": "merge", "accounts": ["P1", "P2"], "kept_user_id": "P1", "reason": "receivable",
                       "election": False, "receivable_before": 100, "receivable_after": 100}],
        "withdrawals": [], "drill": None,
        "history": [{"at": AT, "actor": "li", "kind": "decided", "what": "accounts li approve"}],
    }  # fmt: skip
    return Life(**{**parts, **other})


PARTS = {
    "zh": (
        "用户 P1", "REQ 第 2 条", "RES 第 5 条", "S 成功", "li 2017-11-18 09:02:03", "保留 P1，依据 待收最多", "已签字 li: ok",
        "手机号：换成 138****0001（提出 operations-1，导入 operations-2）", "2017-11-18 09:02:03  审批", "绑定银行卡、激活账户",
    ),
    "en": (
        "User P1", "REQ, record 2", "RES, record 5", "S ok", "li 2017-11-18 09:02:03", "kept P1 by largest receivable",
        "signed li: ok", "phone: 换成 138****0001 (by operations-1, handed in by operations-2)", "2017-11-18 09:02:03  decided",
        "bind a card and activate the account",
    ),
}  # fmt: skip


def text_of(found, language="en"):
    return "\n".join(passport_text.lines(found, language))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_passport_tells_the_whole_way_and_nobodys_data(language):
    found = passports.passport(life())
    text = text_of(found, language)
    for part in (*PARTS[language], "a" * 64, "b" * 64, "e" * 64, "P1, P2", "X1 BANK_106", f"****{NUMBER['P1'][-4:]}"):
        assert part in text, part
    user = World().legacy("users", "P1")
    for whole in (text, json.dumps(found, ensure_ascii=False)):
        for secret in (user["name"], user["id_no"], user["phone"], user["email"], NUMBER["P1"]):
            assert secret not in whole


def test_values_of_the_source_and_decisions_are_in_the_readers_language():
    world = World()
    user = text_of(passports.passport(life()), "zh")
    for line in (
        "类型                  个人",
        "证件类型              身份证",
        "状态                  正常",
        "accounts li 批准",
    ):
        assert line in user, line
    listing = life(entity="listings", key="L1", source=world.legacy("listings", "L1"), outcome=None)
    assert "状态                  还款中" in text_of(passports.passport(listing), "zh")
    debt = life(entity="debts", key="D1", source=world.legacy("debts", "D1"), outcome=None)
    assert "origin                bid" in text_of(passports.passport(debt))
    assert "来源                  投标" in text_of(passports.passport(debt), "zh")


def test_what_the_bank_means_is_told_beside_its_code():
    (row, batch, gate), *_ = life().attempts
    refused = life(attempts=[(row | {"state": "refused", "code": "106"}, batch, gate)])
    means = {("users", "106"): ("手机号已被使用", "phone taken"), ("debts", "106"): ("错", "wrong")}
    text = "\n".join(passport_text.lines(passports.passport(refused), "en", means))
    assert "answer                106 refused phone taken" in text
    assert "X1 BANK_106 · phone taken, 1.00" in text
    assert "BANK_106 · the bank answered 106" in text_of(passports.passport(refused))


def test_corrections_show_fields_and_reasons_without_values():
    (row,) = passports.passport(life())["corrections"]
    assert row == {
        "field": "phone", "by": "operations-1", "importer": "operations-2", "reason": "换成 138****0001"
    }  # fmt: skip


def test_an_attempt_without_an_answer_and_without_an_approval():
    (row, _, _), *_ = life().attempts
    unanswered = Batch(DAY, "000001", "accounts", 1, "person", False, 1, 8, 0, "sealed", "REQ", "a" * 64)
    text = text_of(passports.passport(life(attempts=[(row | {"result_record": None}, unanswered, None)])))
    assert "result                awaited" in text
    assert "approved" not in text


def test_what_was_told_when_asked_says_so():
    (row, batch, gate), *_ = life().attempts
    found = passports.passport(life(attempts=[(row | {"inquiry": 2, "result_record": 1}, batch, gate)]))
    assert "RES, record 1 told when asked (inquiry 2)" in text_of(found)


def test_money_reads_as_yuan_and_times_of_the_platform_stay_as_they_are():
    world = World()
    found = passports.passport(life(entity="debts", key="D1", source=world.legacy("debts", "D1"), outcome=None))
    assert "principal             1,000.00" in text_of(found)
    assert "not there" in text_of(found)
    user = world.legacy("users", "P1") | {"registered_at": datetime(2016, 1, 2, 3, 4, 5)}
    assert passports.passport(life(source=user))["source"]["registered_at"] == "2016-01-02 03:04:05"


USE = {"request": "PAY", "request_sha256": "1" * 64, "record": 7, "result": "PAID", "result_sha256": "2" * 64}


def test_the_drill_is_told_with_its_files_and_its_faults():
    clean = {"drill": 3, "findings": [], "off": [], "uses": [USE, USE | {"request": "AGAIN"}]}
    text = text_of(passports.passport(life(entity="debts", drill=clean)))
    for part in ("drill 3: nothing off", "PAY, record 7", "AGAIN, record 7", "1" * 64, "2" * 64):
        assert part in text
    fault = {"code": "DRILL_REFUSED", "detail": "refused with 54"}
    off = {"drill": 3, "findings": [fault], "off": [{"key": "P1", "due_fen": 500, "paid_fen": 0}]}
    assert "drill 3: DRILL_REFUSED refused with 54; due 5.00, received 0.00" in text_of(
        passports.passport(life(drill=off))
    )


def test_withdrawals_are_told():
    row = {
        "id": "w",
        "escrow_id": "E1",
        "amount_fen": 12_345,
        "fee_fen": 300,
        "state": "paid",
        "reason": "",
        "requested_at": AT,
    }
    text = text_of(passports.passport(life(withdrawals=[row])))
    assert "E1: 123.45 yuan, fee 3.00, paid, asked for 2017-11-18 09:02:03" in text


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
