"""Merging identities: who is one person, which account is kept and why (domain.md "Merging identities")."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.people import (
    POLICY,
    amounts,
    book,
    by_id,
    company,
    date_issue,
    election,
    id_card,
    id_card_15,
    ids,
    item,
    outcome,
    person,
    signature,
)

NEWER, OLDER = datetime(2017, 6, 1), datetime(2016, 6, 1)


def kept(*rows, **more):
    return {key: row["kept_user_id"] for key, row in by_id(book(*rows, **more)).items()}


def twins(*changes: dict[str, object]) -> list[dict[str, object]]:
    """Accounts A, B, C ... of one person, equal but for their phones and the changes."""
    return [person("ABCDEFG"[n], 1) | {"phone": f"1390000000{n}"} | change for n, change in enumerate(changes)]


def groups(*rows, **more):
    return book(*rows, **more).groups.to_pylist()


@pytest.mark.parametrize(
    ("changes", "facts", "winner", "reason"),
    [
        (({}, {}), {"elections": [election(id_card(1), "B", 1)], "parties": ids("A")}, "B", "election"),
        (({}, {}), {"parties": ids("B"), "receivables": amounts(A=9)}, "B", "party_to_listing"),
        (({}, {}), {"receivables": amounts(A=1, B=2), "balances": amounts(A=9)}, "B", "receivable"),
        (({"last_active_at": NEWER}, {}), {"balances": amounts(A=1, B=2)}, "B", "balance"),
        (({"last_active_at": OLDER}, {"last_active_at": NEWER}), {}, "B", "last_active"),
        (({}, {"last_active_at": OLDER}), {}, "B", "last_active"),
        (({"registered_at": NEWER}, {"registered_at": OLDER}), {}, "B", "registered"),
        (({"registered_at": None}, {"registered_at": NEWER}), {}, "B", "registered"),
        (({}, {}), {}, "A", "user_id"),
    ],
)
def test_each_criterion_of_the_policy_decides_in_its_turn(changes, facts, winner, reason):
    (group,) = groups(*twins(*changes), **facts)
    assert (group["kept_user_id"], group["reason"], group["members"]) == (winner, reason, 2)
    assert group["election"] is (reason == "election")


def test_the_reason_is_what_sets_the_kept_one_apart_from_all_others():
    (group,) = groups(*twins({}, {}, {}), parties=ids("A", "B"), balances=amounts(B=5))
    assert (group["kept_user_id"], group["reason"]) == ("B", "balance")


def test_the_policy_is_configuration():
    rows, facts = twins({}, {}), {"balances": amounts(A=1), "receivables": amounts(B=1)}
    assert groups(*rows, **facts, policy=("balance", "receivable"))[0]["kept_user_id"] == "A"
    assert groups(*rows, **facts, policy=("receivable", "balance"))[0]["kept_user_id"] == "B"
    assert groups(*rows, elections=[election(id_card(1), "B", 1)], policy=("user_id",))[0]["kept_user_id"] == "A"


def test_the_smallest_id_is_smallest_as_bytes():
    rows = [person(user_id, 1, phone=f"1390000000{n}") for n, user_id in enumerate(["b", "a10", "a9", "B"])]
    assert groups(*rows)[0]["kept_user_id"] == "B"


def test_one_person_however_the_id_was_written():
    card = id_card(42, "19491231")
    spellings = [card, f" {card[:6]} {card[6:]}", card.translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)})]
    rows = [person(f"U{n}", n, id_no=spelling) for n, spelling in enumerate(spellings)]
    rows.append(person("U9", 9, id_type="id_card_15", id_no=id_card_15(42, "491231")))
    assert set(kept(*rows).values()) == {"U0"}


@pytest.mark.parametrize(
    "other",
    [
        person("B", 2),
        person("B", 1, verified_at=None),
        person("B", 1, kind="platform"),
        company("B", 1, id_no=id_card(1)),
    ],
)
def test_others_are_not_the_same_person(other):
    assert kept(person("A", 1), other) == {"A": "A", "B": "B"}


def test_nobody_is_one_person_by_having_no_id():
    assert kept(person("A", 1, id_no=None), person("B", 2, id_no=" ")) == {"A": "A", "B": "B"}


def test_closed_and_frozen_accounts_merge_too_and_companies_among_themselves():
    assert kept(*twins({"status": "frozen"}, {"status": "closed"})) == {"A": "A", "B": "A"}
    assert kept(company("A", 1), company("B", 2)) == {"A": "A", "B": "A"}


def test_names_that_disagree_merge_nobody():
    found = outcome(*twins({}, {}, {"name": "李四"}))
    assert set(found.values()) == {("self_open", "NAME_CONFLICT")}


def test_names_agree_after_folding():
    assert kept(*twins({"name": "Ｌi Ｌei"}, {"name": "Li Lei"})) == {"A": "A", "B": "A"}


def test_the_latest_valid_election_counts():
    card = id_card(1)
    chosen = [election(card, "B", 1), election(card, "C", 3), election(card, "A", 2)]
    assert groups(*twins({}, {}, {}), elections=chosen)[0]["kept_user_id"] == "C"


@pytest.mark.parametrize(
    "invalid",
    [
        election(id_card(2), "B", 3),
        election(id_card(1), "Z", 3),
        election(id_card(1), "B", None),
        election(id_card(1), "U", 3),
    ],
)
def test_an_invalid_election_is_a_finding_and_the_policy_decides(invalid):
    users = book(*twins({}, {}), person("U", 1, verified_at=None, phone="13911111111"), elections=[invalid])
    assert users.groups.to_pylist()[0]["kept_user_id"] == "A"
    (finding,) = [f for f in users.findings if f.code == "ELECTION_INVALID"]
    assert finding.subject == f"elections/{invalid['user_id']}"
    assert id_card(1)[:10] not in str(finding)


def test_an_election_may_write_the_id_as_it_likes():
    assert groups(*twins({}, {}), elections=[election(id_card_15(1), "B", 1)])[0]["kept_user_id"] == "B"


def test_a_tie_of_elections_is_a_finding_and_the_policy_decides():
    card = id_card(1)
    tied = [election(card, "B", 2), election(card, "C", 2), election(card, "A", 1)]
    users = book(*twins({}, {}, {}), elections=tied)
    assert (users.groups[0][0].as_py(), users.groups["election"][0].as_py()) == ("A", False)
    assert [f.subject for f in users.findings if f.code == "ELECTION_TIE"] == ["elections/B", "elections/C"]


def test_the_same_choice_twice_is_no_tie():
    chosen = [election(id_card(1), "B", 2), election(id_card(1), "B", 2)]
    assert groups(*twins({}, {}), elections=chosen)[0]["kept_user_id"] == "B"


@pytest.mark.parametrize("state", ["open", "ok", "unknown", "refused"])
def test_who_went_to_the_bank_stays_the_kept_one(state):
    (group,) = groups(*twins({}, {}), parties=ids("A"), items=[item("B", state, code="106", row_digest="x")])
    assert (group["kept_user_id"], group["reason"]) == ("B", "already_sent")


def test_the_policys_reason_stays_when_its_choice_was_sent():
    (group,) = groups(*twins({}, {}), parties=ids("B"), items=[item("B", "ok", account_no="1", activated=False)])
    assert (group["kept_user_id"], group["reason"]) == ("B", "party_to_listing")


def test_a_newcomer_with_another_name_is_alone_in_conflict_with_who_was_sent():
    rows = twins({}, {}, {"name": "李四"})
    found = by_id(book(*rows, items=[item("A", "ok", account_no="1", activated=False)]))
    assert [(row["disposition"], row["kept_user_id"]) for row in found.values()] == [
        ("opened", "A"),
        ("merged", "A"),
        ("self_open", "C"),
    ]
    assert found["C"]["reason"] == "NAME_CONFLICT"


def test_two_accounts_at_the_bank_both_stay():
    opened = [item("A", "ok", account_no="1", activated=False), item("B", "ok", account_no="2", activated=True)]
    assert outcome(*twins({}, {}, {}), items=opened) == {
        "A": ("opened", "OPENED_S"),
        "B": ("opened", "OPENED_N"),
        "C": ("merged", "MERGED"),
    }
    assert kept(*twins({}, {}, {}), items=opened)["C"] == "A"


def test_who_was_signed_off_in_a_conflict_never_merges_later():
    signed = [signature("A", "NAME_CONFLICT")]
    still = outcome(*twins({}, {"name": "李四"}), signatures=signed)
    assert still == {"A": ("excepted", "NAME_CONFLICT"), "B": ("self_open", "NAME_CONFLICT")}
    mended = outcome(*twins({}, {}, {}), signatures=signed)
    assert mended == {"A": ("excepted", "NAME_CONFLICT"), "B": ("pending", None), "C": ("merged", "MERGED")}


def test_who_was_signed_off_for_another_cause_stays_the_kept_one():
    found = by_id(book(*twins({}, {"phone": "x"}), parties=ids("A"), signatures=[signature("B", "FIELD_INVALID")]))
    assert (found["A"]["kept_user_id"], found["B"]["disposition"]) == ("B", "excepted")


@pytest.mark.parametrize("column", ["last_active_at", "registered_at"])
def test_an_impossible_date_between_accounts_of_one_person_is_an_exception_of_its_own(column):
    rows = twins({column: None}, {})
    found = by_id(book(*rows, issues=[date_issue("A", column)]))
    assert (found["A"]["disposition"], found["A"]["reason"], found["A"]["preflight_shut"]) == (
        "blocked",
        "FIELD_INVALID",
        True,
    )
    assert (found["B"]["disposition"], found["B"]["kept_user_id"]) == ("pending", "B")
    signed = by_id(book(*rows, issues=[date_issue("A", column)], signatures=[signature("A", "FIELD_INVALID")]))
    assert (signed["A"]["disposition"], signed["A"]["preflight_shut"]) == ("excepted", False)


def test_an_impossible_date_that_decides_nothing_is_a_warning():
    alone = book(person("A", 1, last_active_at=None), issues=[date_issue("A", "last_active_at")])
    unasked = book(*twins({"registered_at": None}, {}), issues=[date_issue("A", "registered_at")], policy=("balance",))
    for users in (alone, unasked):
        assert by_id(users)["A"]["disposition"] == "pending"
        assert [str(f.subject) for f in users.findings if f.code == "DATE_UNUSED"] == ["users/A"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["张三", "李四"]),
            st.integers(0, 10**15),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.permutations(POLICY),
)
def test_merging_moves_every_fen_and_loses_nobody(people, policy):
    rows = [person(f"U{n}", who, name=name, phone=f"1370000{n:04d}") for n, (who, name, *_) in enumerate(people)]
    receivables = amounts(**{f"U{n}": fen for n, (_, _, fen, *_) in enumerate(people)})
    balances = amounts(**{f"U{n}": fen for n, (_, _, _, fen, _) in enumerate(people)})
    parties = ids(*(f"U{n}" for n, (*_, party) in enumerate(people) if party))
    users = book(*rows, receivables=receivables, balances=balances, parties=parties, policy=tuple(policy))
    found = by_id(users)
    assert set(found) == {row["user_id"] for row in rows}
    for row in found.values():
        assert found[row["kept_user_id"]]["kept_user_id"] == row["kept_user_id"]
        assert row["id_no"] == found[row["kept_user_id"]]["id_no"]
    for group in users.groups.to_pylist():
        assert group["receivable_before"] == group["receivable_after"]
        assert group["members"] == sum(row["kept_user_id"] == group["kept_user_id"] for row in found.values())
    total = sum(group["receivable_after"] for group in users.groups.to_pylist())
    alone = sum(fen for n, (_, _, fen, *_) in enumerate(people) if not _in_group(found, f"U{n}"))
    assert total + alone == sum(fen for _, _, fen, *_ in people)


def _in_group(found, user_id):
    return sum(row["kept_user_id"] == found[user_id]["kept_user_id"] for row in found.values()) > 1
