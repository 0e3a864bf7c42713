"""Properties of the book over any small platform: nothing is lost, doubled or moved by the order of rows."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration.domain.book import derive
from migration.domain.exceptions import standing
from migration.domain.outcome import balance, outcome
from tests.contract.platforms import row
from tests.support.platform import loan, person
from tests.unit.domain.facts import answer, facts

IDENTITIES = 5
MONEY = st.integers(0, 500_000).map(lambda fen: f"{fen // 100}.{fen % 100:02d}")
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def users(draw):
    """Up to nine accounts of five persons; some names disagree, some are not verified, some are the platform's."""
    found = []
    for number in range(1, draw(st.integers(2, 9)) + 1):
        who = draw(st.integers(1, IDENTITIES))
        changes = {
            "id_no": person(who)["id_no"],
            "name": draw(st.sampled_from([person(who)["name"]] * 5 + ["不同名"])),
            "kind": draw(st.sampled_from(["person"] * 9 + ["platform"])),
            "verified_at": draw(st.sampled_from(["2016-01-02 03:04:05"] * 9 + [None])),
            "status": draw(st.sampled_from(["active", "active", "frozen", "closed"])),
            "last_active_at": draw(st.sampled_from([None, "2017-01-01 00:00:00", "2017-02-01 00:00:00"])),
        }
        found.append({**person(number), **changes})
    return found


@st.composite
def platforms(draw):
    """Users, up to four listings with debts among them, escrow accounts, top-ups; orphans and mismatches, too."""
    people = draw(users())
    ids = st.sampled_from([*(u["user_id"] for u in people)] * 4 + ["NOBODY"])
    part = {"users": people, "escrow_accounts": [], "in_flight": [], "listings": [], "schedules": [], "debts": []}
    for number in range(1, draw(st.integers(0, 4)) + 1):
        lenders = draw(st.lists(st.tuples(ids, MONEY), min_size=1, max_size=4))
        one = loan(number, draw(ids), {f"x{i}": amount for i, (_, amount) in enumerate(lenders)})
        for at, (who, _) in enumerate(lenders):
            one["debts"][at].update(
                lender_id=who, status=draw(st.sampled_from(["open"] * 5 + ["finished"])),
                bonus_interest=draw(st.sampled_from(["0.00", "1.23"])),
            )  # fmt: skip
        one["listings"][0].update(
            status=draw(st.sampled_from(["repaying"] * 4 + ["overdue", "finished", "full", "cancelled"])),
            guarantor_id=draw(st.one_of(st.none(), ids)),
            maturity_date=draw(st.sampled_from(["2018-10-01"] * 4 + ["2017-11-17"])),
            title=draw(st.sampled_from(["借款"] * 5 + ["䶮"])),
        )
        for entity, rows in one.items():
            part[entity] += rows
    for number in range(draw(st.integers(0, 5))):
        cash = row(
            "escrow_accounts", escrow_id=f"E{number}", user_id=draw(ids), available=draw(MONEY), frozen=draw(MONEY)
        )
        part["escrow_accounts"].append(cash)
    for number in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["top_up", "bid"]))
        part["in_flight"].append(row("in_flight", id=f"F{number}", kind=kind, user_id=draw(ids), amount=draw(MONEY)))
    return part


def carried(platform, chance):
    """A cutover to its end as facts: the bank takes or refuses by chance, then everything open is signed."""
    known = {"opened": [], "refused": {}, "listings": [], "debts": [], "signed": []}
    book = derive(facts(platform, **known))
    for key in book.users.users.filter(book.users.users["sendable"])["user_id"].to_pylist():
        if chance.random() < 0.8:
            known["opened"].append(key)
        else:
            known["refused"][key] = "106"
    for entity in ("listings", "debts"):
        side = getattr(derive(facts(platform, **known)), entity)
        keys = side.listing_id if entity == "listings" else side.debt_id
        for key, sent in zip(keys.to_pylist(), side.sendable.tolist(), strict=True):
            if sent:
                known[entity].append(answer(key, "ok" if chance.random() < 0.9 else "refused", code="20"))
    for _ in range(3):
        rows = standing(derive(facts(platform, **known))).to_pylist()
        known["signed"] = sorted({*known["signed"], *((r["entity"], r["key"], r["code"]) for r in rows)})
    return derive(facts(platform, **known))


def held(book):
    """Person -> open principal, by the kept user (a holder who does not exist: by the id that the source gives)."""
    sums = Counter()
    rows = outcome(book, ())["debts"].to_pylist()
    live = book.debts.live.tolist()
    for debt, is_open in zip(rows, live, strict=True):
        if is_open:
            sums[debt["holder_user_id"] or debt["legacy_lender_id"]] += debt["principal_fen"]
    return sums


@FEW
@given(platforms())
def test_merging_keeps_every_persons_receivable_to_the_fen(platform):
    book = derive(facts(platform))
    kept = dict(zip(*(book.users.users[c].to_pylist() for c in ("user_id", "kept_user_id")), strict=True))
    before = Counter()
    for debt in platform["debts"]:
        if debt["status"] == "open":
            before[kept.get(debt["lender_id"], debt["lender_id"])] += int(debt["principal"].replace(".", ""))
    assert held(book) == before
    assert sum(held(book).values()) == int(book.debts.principal[book.debts.live].sum())
    assert all(kept[k] == k for k in kept.values()), "who is kept is merged into nobody"


@FEW
@given(platforms(), st.randoms(use_true_random=False))
def test_the_book_does_not_depend_on_the_order_of_rows_and_is_idempotent(platform, chance):
    shuffled = {entity: chance.sample(rows, len(rows)) for entity, rows in platform.items()}
    first, again, other = derive(facts(platform)), derive(facts(platform)), derive(facts(shuffled))
    assert first.users.users == again.users.users == other.users.users
    assert first.users.groups == other.users.groups
    assert outcome(first, ()) == outcome(again, ()) == outcome(other, ())
    assert standing(first) == standing(other)


@FEW
@given(platforms())
def test_merging_what_is_merged_changes_nothing(platform):
    """Once the kept accounts are opened, the groups stay what they were."""
    first = derive(facts(platform)).users.users
    ready = first.filter(first["sendable"])["user_id"].to_pylist()
    second = derive(facts(platform, opened=ready)).users.users
    assert first["kept_user_id"] == second["kept_user_id"]


@FEW
@given(platforms(), st.integers(0, 10_000))
def test_every_row_ends_in_one_disposition_and_nothing_is_left_over(platform, seed):
    book = carried(platform, random.Random(seed))
    found = outcome(book, ())
    ends = {"users": {"opened", "merged", "self_open", "excepted", "closed"}}
    ends |= {entity: {"registered", "excepted", "not_migrated"} for entity in ("listings", "debts")}
    for entity, words in ends.items():
        table = found[entity]
        keys = table[table.column_names[0]].to_pylist()
        assert Counter(keys) == Counter(r[table.column_names[0]] for r in platform[entity])
        assert set(table["disposition"].to_pylist()) <= words
        assert table["reason"].null_count == 0
    books = balance(book)
    assert (books.difference_fen, books.listings, books.persons) == (0, (), ())


@FEW
@given(platforms(), st.integers(0, 10_000))
def test_net_debts_add_up_by_listing_and_lender_and_no_account_has_two_owners(platform, seed):
    book = carried(platform, random.Random(seed))
    found = outcome(book, ())
    outstanding = {r["listing_id"]: r["outstanding_fen"] for r in found["listings"].to_pylist()}
    kept = {r["user_id"]: r["kept_user_id"] for r in found["users"].to_pylist()}
    accounts = {r["user_id"]: r["account_no"] for r in found["users"].to_pylist() if r["account_no"]}
    legacy, accounted, registered, on_listing = Counter(), Counter(), Counter(), Counter()
    for debt in platform["debts"]:
        if debt["status"] == "open":
            fen = int(debt["principal"].replace(".", ""))
            legacy[kept.get(debt["lender_id"], debt["lender_id"])] += fen
            on_listing[debt["listing_id"]] += fen
    for debt in found["debts"].to_pylist():
        if debt["disposition"] in {"registered", "excepted"}:
            accounted[debt["holder_user_id"] or debt["legacy_lender_id"]] += debt["principal_fen"]
        if debt["disposition"] == "registered":
            assert debt["holder_account"] == accounts[debt["holder_user_id"]]
            registered[debt["listing_id"]] += debt["principal_fen"]
    finished = {d["debt_id"] for d in platform["debts"] if d["status"] == "finished"}
    for debt in found["debts"].to_pylist():  # finished on an orphaned listing: in the books, but no receivable
        if debt["debt_id"] in finished and debt["disposition"] == "excepted":
            accounted[debt["holder_user_id"] or debt["legacy_lender_id"]] -= debt["principal_fen"]
    assert +legacy == +accounted
    for listing in registered:
        assert on_listing[listing] == outstanding[listing], "registered only where both agree"
        assert registered[listing] <= outstanding[listing]
    assert len(set(accounts.values())) == len(accounts)
