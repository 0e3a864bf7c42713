"""Every user gets exactly one disposition, in the order of domain.md "Cohorts"."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.domain.cohorts import USERS, row_digest, user_book
from migration.domain.corrections import apply
from migration.domain.refusals import CAP
from migration.domain.tables import ACCOUNT_ROWS
from migration.domain.values import FileLimits
from tests.unit.domain.people import (
    ORG_CODE,
    amounts,
    book,
    by_id,
    company,
    correction,
    corrections_table,
    date_issue,
    facts,
    id_card,
    id_card_15,
    ids,
    item,
    outcome,
    person,
    signature,
)

LOCAL = [
    "UNVERIFIED",
    "UNSUPPORTED_ID",
    "NAME_UNENCODABLE",
    "FIELD_INVALID",
    "UNDERAGE",
    "NAME_CONFLICT",
    "PHONE_SHARED",
]
FAULTS = {
    "UNVERIFIED": {"verified_at": None},
    "UNSUPPORTED_ID": {"id_type": "passport"},
    "NAME_UNENCODABLE": {"name": "张䶮"},
    "FIELD_INVALID": {"user_id": "用户"},
    "UNDERAGE": {"id_no": id_card(1, "20100101")},
    "PHONE_SHARED": {"phone": "13700000000"},
}


def one(row: dict[str, object], **more: object) -> tuple[str, str | None]:
    return outcome(row, **more)[str(row["user_id"])]


def test_an_ordinary_user_is_sent():
    users = book(person("A", 1))
    assert one(person("A", 1)) == ("pending", None)
    assert by_id(users)["A"]["sendable"] is True
    assert users.users.schema == USERS


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("UNVERIFIED", {"verified_at": None}),
        ("UNSUPPORTED_ID", {"id_type": "permit"}),
        ("UNSUPPORTED_ID", {"id_type": "passport"}),
        ("NAME_UNENCODABLE", {"name": "张䶮"}),
        ("NAME_UNENCODABLE", {"name": "中" * 31}),
        ("NAME_UNENCODABLE", {"name": "\uf9e4"}),  # NFC would change it too
        ("FIELD_INVALID", {"name": None}),
        ("FIELD_INVALID", {"name": "\uf9e7"}),  # GBK has it, NFC changes it
        ("FIELD_INVALID", {"name": "张三 "}),
        ("FIELD_INVALID", {"id_no": id_card(1)[:-1] + "Z"}),
        ("FIELD_INVALID", {"id_no": None}),
        ("FIELD_INVALID", {"id_type": None}),
        ("FIELD_INVALID", {"id_type": "uscc"}),
        ("FIELD_INVALID", {"id_type": "org_code", "id_no": ORG_CODE}),
        ("FIELD_INVALID", {"phone": "12345678901"}),
        ("FIELD_INVALID", {"phone": None}),
        ("FIELD_INVALID", {"id_no": id_card(1, "20180101")}),
        ("UNDERAGE", {"id_no": id_card(1, "19991119")}),
    ],
)
def test_who_cannot_be_sent_opens_himself_or_is_blocked_by_his_position(code, changes):
    row = person("A", 1, **changes)
    assert one(row) == ("self_open", code)
    assert one(row, positions=ids("A")) == ("blocked", code)
    assert one(row, positions=ids("A"), signatures=[signature("A", code)]) == ("excepted", code)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("pending", None)),
        ({"id_type": "org_code", "id_no": ORG_CODE}, ("pending", None)),
        ({"corporate_account": None}, ("self_open", "FIELD_INVALID")),
        ({"corporate_account": " "}, ("self_open", "FIELD_INVALID")),
        ({"corporate_account": "6" * 43}, ("self_open", "FIELD_INVALID")),
        ({"corporate_account": "账•户"}, ("self_open", "FIELD_INVALID")),
        ({"id_no": "91350100M000100Y44"}, ("self_open", "FIELD_INVALID")),
        ({"id_type": "id_card", "id_no": id_card(1)}, ("self_open", "FIELD_INVALID")),
        ({"id_type": "permit"}, ("self_open", "UNSUPPORTED_ID")),
    ],
)
def test_companies(changes, expected):
    assert one(company("A", 1, **changes)) == expected


@pytest.mark.parametrize("earlier", range(5))
def test_the_earliest_reason_counts(earlier):
    names = [code for code in LOCAL if code in FAULTS]
    row = person("A", 1)
    for code in reversed(names[earlier:]):
        row |= FAULTS[code]
    other = person("B", 2, phone="13700000000")
    assert outcome(row, other)[str(row["user_id"])] == ("self_open", names[earlier])


def test_a_birthday_and_the_day_before():
    assert one(person("A", 1, id_no=id_card(1, "19991118"))) == ("pending", None)
    assert one(person("A", 1, id_no=id_card(1, "19991119"))) == ("self_open", "UNDERAGE")


def test_a_shared_phone_refuses_all_who_share_it():
    rows = [person("A", 1, phone="+86 13800138000"), person("B", 2, phone="13800138000"), person("C", 3)]
    assert outcome(*rows) == {
        "A": ("self_open", "PHONE_SHARED"),
        "B": ("self_open", "PHONE_SHARED"),
        "C": ("pending", None),
    }


@pytest.mark.parametrize(
    "other",
    [
        {"verified_at": None},
        {"id_no": "1"},
        {"status": "closed"},
        {"kind": "platform"},
        {"id_no": id_card(1)},  # the same person
    ],
)
def test_a_phone_is_not_shared_with_who_is_not_sent(other):
    rows = [person("A", 1, phone="13800138000"), person("B", 2, phone="13800138000", **other)]
    assert outcome(*rows)["A"] == ("pending", None)


@pytest.mark.parametrize("since", [{}, {"verified_at": None}])
def test_who_is_opened_keeps_his_phone_and_the_newcomer_is_refused(since):
    rows = [person("A", 1, phone="13800138000") | since, person("B", 2, phone="13800138000")]
    opened = [item("A", "ok", account_no="6212460000000000000", activated=False)]
    assert outcome(*rows, items=opened) == {"A": ("opened", "OPENED_S"), "B": ("self_open", "PHONE_SHARED")}


def test_platform_accounts_and_empty_closed_ones_are_closed():
    gone = person("A", 1, status="closed")
    assert one(person("P", 1, kind="platform", verified_at=None)) == ("closed", "PLATFORM_ACCOUNT")
    assert one(gone) == ("closed", "CLOSED")
    assert one(gone | {"verified_at": None}) == ("closed", "CLOSED")
    assert one(gone, balances=amounts(A=1)) == ("pending", None)
    assert one(gone, positions=ids("A")) == ("pending", None)
    assert one(person("A", 1, status="frozen")) == ("pending", None)


@pytest.mark.parametrize("what", ["balances", "positions"])
def test_a_closed_account_is_kept_open_by_what_its_members_bring(what):
    rows = [person("A", 1, status="closed"), person("B", 1, phone="13912345678")]
    brought = {"balances": amounts(B=1)} if what == "balances" else {"positions": ids("B")}
    chosen = {"policy": ("user_id",)}
    assert outcome(*rows, **chosen)["A"] == ("closed", "CLOSED")
    assert outcome(*rows, **chosen, **brought)["A"] == ("pending", None)


def test_positions_move_to_the_kept_user():
    rows = [person("A", 1), person("B", 1, phone="13912345678")]
    found = by_id(book(*rows, parties=ids("A"), positions=ids("B")))
    assert (found["A"]["position"], found["B"]["position"], found["A"]["from_merge"]) == (True, False, True)
    assert (found["B"]["disposition"], found["B"]["reason"], found["B"]["sendable"]) == ("merged", "MERGED", False)


def test_the_banks_answers():
    rows = [person(key, n) for n, key in enumerate("ABCDEF", 1)]
    digest = dict(zip("ABCDEF", row_digest(book(*rows).users).to_pylist(), strict=True))
    items = [
        item("A", "ok", code="000", account_no="1", activated=False),
        item("B", "ok", code="000", account_no="2", activated=True),
        item("C", "refused", code="106", row_digest=digest["C"]),
        item("D", "refused", code="N", row_digest=digest["D"]),
        item("E", "open"),
        item("F", "unknown"),
    ]
    users = book(*rows, items=items, positions=ids("C"))
    assert {key: (row["disposition"], row["reason"]) for key, row in by_id(users).items()} == {
        "A": ("opened", "OPENED_S"),
        "B": ("opened", "OPENED_N"),
        "C": ("blocked", "BANK_106"),
        "D": ("self_open", "BANK_N"),
        "E": ("pending", None),
        "F": ("pending", None),
    }
    assert [rows.num_rows for rows in users.account_rows()] == [0, 0]
    assert (by_id(users)["A"]["account_no"], by_id(users)["B"]["activated"], by_id(users)["C"]["exception"]) == (
        "1",
        True,
        True,
    )
    signed = by_id(book(*rows, items=items, positions=ids("C"), signatures=[signature("C", "BANK_106")]))["C"]
    assert (signed["disposition"], signed["reason"], signed["cause"]) == ("excepted", "BANK_106", "BANK_106")


def refused(row: dict[str, object]) -> dict[str, object]:
    (digest,) = row_digest(book(row).users).to_pylist()
    return item(str(row["user_id"]), "refused", code="106", row_digest=digest)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("blocked", "BANK_106")),
        ({"phone": "13900000000"}, ("pending", None)),
        ({"name": "张叁"}, ("pending", None)),
        ({"phone": " +86 13800000001"}, ("blocked", "BANK_106")),  # the same when normalised
        ({"sex": "F"}, ("blocked", "BANK_106")),  # nothing that is sent
        ({"phone": "1"}, ("blocked", "FIELD_INVALID")),
    ],
)
def test_a_refused_user_goes_out_again_once_what_is_sent_has_changed(changes, expected):
    row = person("A", 1)
    assert one(row | changes, items=[refused(row)], positions=ids("A")) == expected


def test_the_latest_refusal_counts_wherever_its_digest_comes_from():
    old, row = person("A", 1), person("A", 1, phone="13900000000")
    attempts = [refused(old), refused(row) | {"code": "107", "batch_no": "000002"}]
    assert one(row, items=attempts) == ("self_open", "BANK_107")
    sent = pa.table({"key": ["A"], "row_digest": [refused(old)["row_digest"]]})
    assert one(row, items=attempts, sent=sent) == ("pending", None)


def test_a_refusal_without_a_known_digest_stands():
    assert one(person("A", 1), items=[item("A", "refused", code="106")]) == ("self_open", "BANK_106")


def test_a_signed_user_is_final_even_when_mended():
    row = person("A", 1)
    signed = [signature("A", "BANK_106")]
    found = by_id(book(row | {"phone": "13900000000"}, items=[refused(row)], signatures=signed))["A"]
    assert (found["disposition"], found["reason"], found["sendable"]) == ("excepted", "BANK_106", False)


def test_a_correction_mends_a_local_refusal():
    given_ = facts(person("A", 1, verified_at=None))
    mended = apply(given_.users, corrections_table(correction(1, "A", "verified_at", None, "2017-11-01")))
    assert user_book(facts(*mended.to_pylist())).users["disposition"].to_pylist() == ["pending"]


def test_an_impossible_verification_date_keeps_preflight_shut():
    row, issue = person("A", 1, verified_at=None), date_issue("A", "verified_at")
    found = by_id(book(row, issues=[issue]))["A"]
    assert (found["disposition"], found["reason"], found["exception"], found["preflight_shut"]) == (
        "blocked",
        "FIELD_INVALID",
        True,
        True,
    )
    mended = by_id(book(person("A", 1), issues=[issue]))["A"]
    assert (mended["disposition"], mended["preflight_shut"]) == ("pending", False)
    platform = by_id(book(row | {"kind": "platform"}, issues=[issue]))["A"]
    assert (platform["disposition"], platform["preflight_shut"]) == ("closed", False)


def test_rows_to_be_sent():
    rows = [
        person("b", 1, phone=" 008613800138000", email="x" * 41, sex=None, corporate_account="ignored"),
        person("a", 2, id_type="id_card_15", id_no=id_card_15(2), email="a@b.cn"),
        company("c", 3, sex="M"),
        person("d", 4, verified_at=None),
    ]
    persons, companies = book(*rows).account_rows()
    assert (persons.schema, companies.schema) == (ACCOUNT_ROWS, ACCOUNT_ROWS)
    a, b = persons.to_pylist()
    assert (a["key"], a["id_type"], a["id_no"], a["sex"], a["email"]) == ("a", "id_card", id_card(2), "F", "a@b.cn")
    assert (b["key"], b["phone"], b["sex"], b["email"], b["corporate_account"]) == ("b", "13800138000", "M", None, None)
    (c,) = companies.to_pylist()
    assert (c["key"], c["sex"], c["corporate_account"], c["amount_fen"]) == ("c", None, "6222000011", 0)


def test_the_digest_of_a_row_is_that_of_the_book():
    users = book(person("A", 1), company("B", 2))
    persons, companies = users.account_rows()
    assert row_digest(pa.concat_tables([persons, companies])) == row_digest(users.users)


def test_what_is_odd_is_told_and_stops_nobody():
    users = book(
        person("A", 1, sex="F"),
        person("B", 2, email="•@b.cn"),
        person("C", 3, id_no=id_card(3, region="990101")),
        person("D", 4, sex="M", verified_at=None),
    )
    assert {(f.code, f.subject) for f in users.findings} == {
        ("SEX_DIFFERS", "users/A"),
        ("EMAIL_DROPPED", "users/B"),
        ("ID_REGION_UNKNOWN", "users/C"),
    }
    assert by_id(users)["A"]["disposition"] == "pending"


def test_many_oddities_are_counted_not_listed():
    users = book(*(person(f"U{n:03d}", n, sex="F" if n % 2 else "M") for n in range(CAP + 5)))
    assert len(users.findings) == CAP + 1
    assert users.findings[-1].detail.startswith(f"{CAP + 5} in all")


def test_rare_names_are_marked_and_sent():
    found = by_id(book(person("A", 1, name="朱镕基"), person("B", 2)))
    assert [(row["rare_name"], row["disposition"]) for row in found.values()] == [(True, "pending"), (False, "pending")]


def test_other_limits_decide_otherwise():
    assert one(person("A", 1, name="中" * 5), limits=FileLimits(name_bytes=9)) == ("self_open", "NAME_UNENCODABLE")
    assert one(person("A", 1, name="张䶮"), limits=FileLimits(encoding="gb18030")) == ("pending", None)


def test_nobody_at_all_is_no_special_case():
    users = book()
    assert (users.users.num_rows, users.groups.num_rows, users.findings) == (0, 0, ())


ANYBODY = st.fixed_dictionaries(
    {
        "number": st.integers(0, 4),
        "kind": st.sampled_from(["person", "person", "company", "platform"]),
        "status": st.sampled_from(["active", "frozen", "closed"]),
        "name": st.sampled_from(["张三", "李四", "张䶮", None]),
        "id_type": st.sampled_from(["id_card", "id_card", "uscc", "passport", None]),
        "phone": st.sampled_from(["13800138000", "13900139000", "x", None]),
        "verified": st.booleans(),
        "state": st.sampled_from([None, None, "open", "ok", "refused", "unknown"]),
        "signed": st.sampled_from([None, None, None, "NAME_CONFLICT", "FIELD_INVALID"]),
        "position": st.booleans(),
        "cash": st.integers(0, 1),
    }
)


@given(st.lists(ANYBODY, max_size=8))
def test_whatever_is_known_everybody_has_one_disposition_with_its_reason(people):
    rows, items, signatures = [], [], []
    for n, who in enumerate(people):
        row = person(
            f"U{n}", who["number"], **{name: who[name] for name in ("kind", "status", "name", "id_type", "phone")}
        )
        rows.append(row if who["verified"] else row | {"verified_at": None})
        if who["state"]:
            account = {"account_no": str(n), "activated": False} if who["state"] == "ok" else {}
            items.append(item(f"U{n}", who["state"], code="106", **account))
        if who["signed"]:
            signatures.append(signature(f"U{n}", who["signed"]))
    known = {
        "items": items,
        "signatures": signatures,
        "positions": ids(*(f"U{n}" for n, who in enumerate(people) if who["position"])),
        "balances": amounts(**{f"U{n}": who["cash"] for n, who in enumerate(people)}),
    }
    users = book(*rows, **known)
    found = by_id(users)
    assert list(found) == sorted(str(row["user_id"]) for row in rows)
    for key, row in found.items():
        assert row["disposition"] in {"opened", "merged", "self_open", "excepted", "closed", "pending", "blocked"}
        assert (row["reason"] is None) == (row["disposition"] == "pending")
        assert (row["cause"] is not None) == (row["disposition"] in {"blocked", "excepted", "self_open"})
        assert (row["account_no"] is not None) == (
            row["disposition"] == "opened" or _opened_but_platform(row, items, key)
        )
        assert row["exception"] == (row["disposition"] in {"blocked", "excepted"})
        assert not row["sendable"] or row["disposition"] == "pending"
        assert (row["kept_user_id"] == key) != (row["disposition"] == "merged")
    assert book(*reversed(rows), **known).users == users.users
    assert sum(rows.num_rows for rows in users.account_rows()) == sum(row["sendable"] for row in found.values())


def _opened_but_platform(row, items, key):
    """The journal never holds such a success; the random facts do."""
    return row["kind"] == "platform" and any(i["key"] == key and i["state"] == "ok" for i in items)
