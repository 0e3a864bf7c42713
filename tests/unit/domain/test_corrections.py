"""The corrections file: read, judged as a whole, applied (contract.md section 3)."""

from __future__ import annotations

from datetime import datetime

import pytest

from migration.domain.corrections import NEW, ROWS, apply, parse_csv, validate
from migration.domain.errors import InputRefused
from migration.domain.tables import ISSUES
from tests.unit.domain.people import (
    book,
    company,
    correction,
    corrections_table,
    date_issue,
    facts,
    id_card,
    id_card_15,
    ids,
    item,
    person,
    signature,
    table,
    users_table,
)

HEADER = "user_id,field,old,new,reason,by\n"


def lines(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def judge(rows, text, *, already=(), book_facts=None, **more):
    """Validate a file against users (dicts), with the book that follows from them."""
    given = corrections_table(*already)
    users = apply(users_table(*rows), given)
    standing = book(*users.to_pylist(), **(book_facts or {})).users
    return validate(parse_csv(text), users, given, standing, **more)


def refused(rows, text, **more):
    with pytest.raises(InputRefused) as caught:
        judge(rows, text, **more)
    return [(finding.code, finding.subject.removeprefix("corrections.csv:")) for finding in caught.value.reasons]


def given_once(new, start=1):
    """What the journal makes of accepted rows."""
    return [row | {"seq": n, "importer": "i"} for n, row in enumerate(new.to_pylist(), start)]


A, B = person("A", 1), person("B", 2)
PHONE = "A,phone,13800000001,13900000000,wrong number,Wang"


# --- the file


def test_a_file_is_read_as_it_stands():
    rows = parse_csv(
        "\ufeff" + HEADER.replace("\n", "\r\n") + 'A,name,"a,b", c ,"two\nlines",by\r\n\r\nB,sex,,F,r,b\r\n'
    )
    assert rows.schema == ROWS
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        ("A", "name", "a,b", " c ", "two\nlines", "by", 2),
        ("B", "sex", None, "F", "r", "b", 5),
    ]


@pytest.mark.parametrize("text", ["", "\n", "user_id,field,old,new,reason\n", HEADER.upper(), PHONE, "by," + HEADER])
def test_another_header_is_refused(text):
    with pytest.raises(InputRefused, match=r"^CORRECTION_HEADER corrections\.csv:1"):
        parse_csv(text)


def test_every_line_that_is_no_row_of_six_cells_is_named():
    with pytest.raises(InputRefused) as caught:
        parse_csv(lines(PHONE, "A,phone,1", PHONE, PHONE + ",more"))
    assert [str(f).split(":")[1] for f in caught.value.reasons] == ["3", "5"]
    with pytest.raises(InputRefused, match="CORRECTION_COLUMNS"):
        parse_csv(HEADER + 'A,"phone,1,2,r,b\n')


# --- what stands


def test_a_good_line_becomes_a_correction():
    new = judge([A, B], lines(PHONE))
    assert new.schema == NEW
    assert new.to_pylist() == [
        {
            "user_id": "A",
            "field": "phone",
            "old": "13800000001",
            "new": "13900000000",
            "reason": "wrong number",
            "by": "Wang",
        }
    ]


def test_lines_of_one_file_chain_in_order():
    new = judge([A], lines("A,email,,a@b.cn,r,b", "A,email,a@b.cn,c@d.cn,r,b", "A,email,c@d.cn,,r,b"))
    assert new["new"].to_pylist() == ["a@b.cn", "c@d.cn", None]
    assert refused([A], lines("A,email,,a@b.cn,r,b", "A,email,,c@d.cn,r,b")) == [("CORRECTION_OLD_DIFFERS", "3")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Z,phone,1,2,r,b", "CORRECTION_USER_UNKNOWN"),
        (",phone,1,2,r,b", "CORRECTION_USER_UNKNOWN"),
        ("A,status,active,closed,r,b", "CORRECTION_FIELD"),
        ("A,Phone,13800000001,13900000000,r,b", "CORRECTION_FIELD"),
        ("A,phone,13800000001,13900000000,,b", "CORRECTION_REASON"),
        ("A,phone,13800000001,13900000000,r, ", "CORRECTION_REASON"),
        ("A,phone,,13900000000,r,b", "CORRECTION_OLD_DIFFERS"),
        ("A,phone,13800000002,13900000000,r,b", "CORRECTION_OLD_DIFFERS"),
        ("A,phone, 13800000001,13900000000,r,b", "CORRECTION_OLD_DIFFERS"),
        ("A,email,x@y.cn,a@b.cn,r,b", "CORRECTION_OLD_DIFFERS"),
        ("A,phone,13800000001,,r,b", "CORRECTION_VALUE"),
        ("A,name,张三,,r,b", "CORRECTION_VALUE"),
        ("A,name,张三,张\x07,r,b", "CORRECTION_VALUE"),
        ("A,id_type,id_card,card,r,b", "CORRECTION_VALUE"),
        ("A,sex,M,m,r,b", "CORRECTION_VALUE"),
        ("A,verified_at,2015-01-01,0000-00-00,r,b", "CORRECTION_VALUE"),
        ("A,verified_at,2015-01-01,2017-02-30,r,b", "CORRECTION_VALUE"),
        ("A,verified_at,2015-01-01,2017-01-01T00:00:00Z,r,b", "CORRECTION_VALUE"),
        ("A,verified_at,2015-01-02,2017-01-01,r,b", "CORRECTION_OLD_DIFFERS"),
        (f"A,id_no,{id_card(1)},{id_card(2)},r,b", "CORRECTION_JOINS_GROUP"),
        (f"A,id_no,{id_card(1)}, {id_card(2).lower()},r,b", "CORRECTION_JOINS_GROUP"),
        (f"A,id_no,{id_card(1)},{id_card_15(2)},r,b", "CORRECTION_JOINS_GROUP"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_never_by_its_values(line, code):
    assert refused([A, B], lines("B,email,,ok@b.cn,r,b", line)) == [(code, "3")]
    with pytest.raises(InputRefused) as caught:
        judge([A, B], lines(line))
    assert not any(cell in str(caught.value) for cell in line.split(",")[2:4] if len(cell) > 3)


def test_all_bad_lines_are_told_at_once():
    text = lines("Z,phone,1,2,r,b", PHONE, "B,sex,F,X,r,b")
    assert refused([A, B], text) == [("CORRECTION_USER_UNKNOWN", "2"), ("CORRECTION_VALUE", "4")]


@pytest.mark.parametrize(
    ("stored", "old"),
    [
        (datetime(2015, 1, 1), "2015-01-01"),
        (datetime(2015, 1, 1, 8, 30), "2015-01-01T08:30"),
        (datetime(2015, 1, 1, 8, 30, 1), "2015-01-01 08:30:01"),
    ],
)
def test_instants_are_compared_as_instants(stored, old):
    row = A | {"verified_at": stored}
    assert judge([row], lines(f"A,verified_at,{old},2017-01-01,r,b")).num_rows == 1


def test_text_is_compared_in_nfc():
    row = A | {"name": "é"}
    assert judge([row], lines("A,name,e\u0301,张三,r,b")).num_rows == 1


def test_a_cell_that_the_source_has_wrong_is_corrected_from_whatever_stands_there():
    row = A | {"verified_at": None}
    issues = table(ISSUES, date_issue("A", "verified_at"))
    text = lines("A,verified_at,0000-00-00,2017-01-01,r,b")
    assert refused([row], text) == [("CORRECTION_OLD_DIFFERS", "2")]
    assert judge([row], text, issues=issues).num_rows == 1
    assert judge([row], lines("A,verified_at,,2017-01-01,r,b"), issues=issues).num_rows == 1
    empty = table(ISSUES, date_issue("A", "verified_at") | {"code": "VALUE_NULL"})
    assert refused([row], text, issues=empty) == [("CORRECTION_OLD_DIFFERS", "2")]


# --- who can still be corrected


def test_who_is_opened_signed_off_or_merged_into_such_a_one_is_final():
    rows = [A, person("C", 1, phone="13900000009"), B, person("D", 4)]
    known = {
        "items": [item("A", "ok", account_no="1", activated=False)],
        "signatures": [signature("B", "BANK_106")],
    }
    text = lines(*(f"{key},email,,x@y.cn,r,b" for key in "ACBD"))
    assert refused(rows, text, book_facts=known) == [("CORRECTION_USER_FINAL", line) for line in "234"]


def test_who_is_in_a_file_at_the_bank_waits_for_its_answer():
    assert refused([A, B], lines(PHONE), in_flight=ids("A")) == [("CORRECTION_USER_SENT", "2")]
    assert judge([A, B], lines(PHONE), in_flight=ids("B")).num_rows == 1


# --- identities


def test_an_id_of_another_kind_of_user_joins_nobody():
    rows = [A, company("B", 2, id_no=id_card(3))]
    assert judge(rows, lines(f"A,id_no,{id_card(1)},{id_card(3)},r,b")).num_rows == 1


def test_two_people_do_not_become_one_in_the_same_file_either():
    text = lines(f"A,id_no,{id_card(1)},{id_card(3)},r,b", f"B,id_no,{id_card(2)},{id_card(3)},r,b")
    assert refused([A, B], text) == [("CORRECTION_JOINS_GROUP", "2"), ("CORRECTION_JOINS_GROUP", "3")]
    nobodies = [A | {"id_no": None}, B | {"id_no": None}]
    text = lines(f"A,id_no,,{id_card(3)},r,b", f"B,id_no,,{id_card(3)},r,b")
    assert len(refused(nobodies, text)) == 2


def test_two_ids_that_were_mixed_up_are_changed_over():
    text = lines(f"A,id_no,{id_card(1)},{id_card(2)},r,b", f"B,id_no,{id_card(2)},{id_card(1)},r,b")
    assert judge([A, B], text).num_rows == 2


def test_accounts_of_one_person_move_together():
    rows = [A, person("C", 1, phone="13900000009")]
    text = lines(*(f"{key},id_no,{id_card(1)},{id_card(5)},r,b" for key in "AC"))
    assert judge(rows, text).num_rows == 2


def test_writing_the_same_id_properly_joins_nobody():
    rows = [A | {"id_no": f" {id_card(1)}"}, person("C", 1, phone="13900000009")]
    assert judge(rows, lines(f"A,id_no, {id_card(1)},{id_card(1)},r,b")).num_rows == 1


def test_an_id_type_can_join_a_group_too():
    rows = [A | {"id_type": None, "id_no": id_card_15(2)}, B]
    assert refused(rows, lines("A,id_type,,id_card_15,r,b")) == [("CORRECTION_JOINS_GROUP", "2")]


MERGED = [A, person("C", 1, phone="13900000009"), B]


def test_a_persons_name_and_id_are_carried_to_his_settled_members():
    text = lines("A,name,张三,张叁,typing error,Wang", f"A,id_no,{id_card(1)},{id_card(5)},r,b", PHONE)
    new = judge(MERGED, text, settled=ids("C"))
    assert [(row["user_id"], row["field"], row["old"], row["new"]) for row in new.to_pylist()] == [
        ("A", "name", "张三", "张叁"),
        ("A", "id_no", id_card(1), id_card(5)),
        ("A", "phone", "13800000001", "13900000000"),
        ("C", "name", "张三", "张叁"),
        ("C", "id_no", id_card(1), id_card(5)),
    ]
    users = apply(users_table(*MERGED), corrections_table(*given_once(new)))
    assert book(*users.to_pylist()).users["kept_user_id"].to_pylist() == ["A", "B", "A"]
    assert judge(MERGED, text, already=given_once(new), settled=ids("C")).num_rows == 0


def test_before_merges_are_settled_nothing_is_carried():
    assert judge(MERGED, lines("A,name,张三,张叁,r,b"))["user_id"].to_pylist() == ["A"]


def test_a_settled_member_does_not_leave_by_himself():
    assert refused(MERGED, lines("C,name,张三,李四,r,b"), settled=ids("C")) == [("CORRECTION_USER_FINAL", "2")]
    assert refused(MERGED, lines(f"C,id_no,{id_card(1)},{id_card(5)},r,b"), settled=ids("C")) == [
        ("CORRECTION_USER_FINAL", "2")
    ]
    for key in "AC":
        text = lines(f"{key},verified_at,2015-01-01,,r,b")
        assert refused(MERGED, text, settled=ids("C")) == [("CORRECTION_USER_FINAL", "2")]
    both = lines("C,name,张三,张叁,r,b", "A,name,张三,张叁,r,b")
    assert judge(MERGED, both, settled=ids("C"))["user_id"].to_pylist() == ["C", "A"]
    assert judge(MERGED, lines("C,name,张三,李四,r,b")).num_rows == 1


# --- again


def test_the_same_file_again_changes_nothing():
    text = lines(PHONE, "A,email,,a@b.cn,r,b", "A,email,a@b.cn,c@d.cn,r,b")
    given = given_once(judge([A, B], text))
    assert judge([A, B], text, already=given).num_rows == 0
    more = text + "B,email,,b@b.cn,r,b\nA,email,c@d.cn,,r,b\n"
    assert judge([A, B], more, already=given)["new"].to_pylist() == ["b@b.cn", None]


def test_the_same_file_again_after_the_user_was_opened_changes_nothing():
    given = given_once(judge([A, B], lines(PHONE)))
    opened = {"items": [item("A", "ok", account_no="1", activated=False)]}
    assert judge([A, B], lines(PHONE), already=given, book_facts=opened).num_rows == 0


def test_an_older_file_whose_value_was_corrected_again_is_refused():
    first = given_once(judge([A], lines(PHONE)))
    second = first + given_once(judge([A], lines("A,phone,13900000000,13911111111,r,b"), already=first), 2)
    assert refused([A], lines(PHONE), already=second) == [("CORRECTION_OLD_DIFFERS", "2")]


def test_back_and_forth_is_new_each_time():
    first = given_once(judge([A], lines(PHONE)))
    back = first + given_once(judge([A], lines("A,phone,13900000000,13800000001,r,b"), already=first), 2)
    assert judge([A], lines(PHONE), already=back).num_rows == 1


def test_a_line_that_changes_nothing_is_no_correction():
    assert judge([A], lines("A,phone,13800000001,13800000001,r,b")).num_rows == 0


def test_the_present_value_is_that_after_the_corrections_so_far():
    first = corrections_table(*given_once(judge([A], lines(PHONE))))
    text = lines("A,phone,13900000000,13911111111,r,b")
    assert validate(parse_csv(text), users_table(A), first, book(A).users).num_rows == 1


# --- applying


def test_corrections_are_applied_in_order_and_touch_nothing_else():
    users = users_table(A, B)
    changed = apply(
        users,
        corrections_table(
            correction(2, "A", "phone", "2", "3"),
            correction(1, "A", "phone", "1", "2"),
            correction(3, "B", "verified_at", None, "2017-11-01 08:00:00"),
            correction(4, "B", "email", None, None),
            correction(5, "Z", "phone", "1", "2"),
        ),
    )
    assert changed.schema == users.schema
    assert changed.to_pylist() == [A | {"phone": "3"}, B | {"verified_at": datetime(2017, 11, 1, 8)}]


def test_no_corrections_no_change():
    users = users_table(A, B)
    assert apply(users, corrections_table()) is users


def test_a_conflict_of_names_is_mended_by_a_correction():
    rows = [A, person("C", 1, name="李四", phone="13900000009")]
    assert book(*rows).users["reason"].to_pylist() == ["NAME_CONFLICT", "NAME_CONFLICT"]
    new = judge(rows, lines("C,name,李四,张三,r,b"))
    users = apply(users_table(*rows), corrections_table(*given_once(new)))
    assert book(*users.to_pylist()).users["disposition"].to_pylist() == ["pending", "merged"]
    assert facts(*rows).users.num_rows == 2
