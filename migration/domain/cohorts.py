"""The users' book: every legacy user gets exactly one disposition (domain.md "Cohorts").

A pure function of the users (corrections applied), what hangs on them, the bank's answers and the signatures.
Tested in this order: platform account, merged, closed with nothing left, opened, signed off, at the bank or ready to be
sent, refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import refusals
from migration.domain.columns import Indices, Mask, build, equals, flat, is_null, lookup, member, pick, sort_by, texts
from migration.domain.identity import outside_gb2312
from migration.domain.merging import PAIR, Merges
from migration.domain.openings import SENT_COLUMNS, Openings, row_digest
from migration.domain.persons import Persons, amounts, merge_persons
from migration.domain.refusals import LOCAL, PASSED, Ranks, Tidy
from migration.domain.tables import ACCOUNT_ROWS

if TYPE_CHECKING:
    from datetime import date

    from migration.domain.findings import Finding
    from migration.domain.values import FileLimits

__all__ = ["USERS", "UserBook", "UserFacts", "row_digest", "user_book"]

USERS: Final = pa.schema(
    [
        ("user_id", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("disposition", pa.string()),  # opened | merged | self_open | excepted | closed; interim: pending | blocked
        ("kept_user_id", pa.string()),  # self unless merged
        ("account_no", pa.string()),  # when opened
        ("activated", pa.bool_()),  # when opened: false for FLAG S, true for N
        ("reason", pa.string()),  # NULL while pending
        ("cause", pa.string()),  # why he counts as refused, signed or not; NULL where he does not
        ("position", pa.bool_()),  # the kept user has an open position after merging; merged members: false
        ("sendable", pa.bool_()),
        ("exception", pa.bool_()),  # must be mended or signed, or was signed
        ("preflight_shut", pa.bool_()),  # an impossible date in a column that decides, not signed yet (H27)
        ("from_merge", pa.bool_()),  # kept from a merge of two or more
        ("rare_name", pa.bool_()),  # a character outside GB2312
        *((name, pa.string()) for name in ("name", "id_type", "id_no", "phone", "sex", "email", "corporate_account")),
    ]
)
"""`UserBook.users`, sorted by user_id as bytes; the last seven columns as they would be sent."""

_DISPOSITIONS: Final = ("closed", "merged", "closed", "opened", "excepted", "pending", "blocked", "self_open")
_PLATFORM, _MERGED, _CLOSED, _OPENED, _EXCEPTED, _PENDING, _BLOCKED, _SELF_OPEN = range(len(_DISPOSITIONS))


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What is known about users. Amounts are fen; arrays and keys are user ids."""

    users: pa.Table  # SNAPSHOT["users"] after corrections
    issues: pa.Table  # ISSUES of the entity users
    balances: pa.Table  # user_id, fen: available + frozen
    receivables: pa.Table  # user_id, fen: principal of open debts
    parties: pa.Array  # borrower or guarantor of an open listing
    positions: pa.Array  # with an open position of their own, before merging
    elections: pa.Table  # SNAPSHOT["elections"]
    items: pa.Table  # ITEMS of users
    sent: pa.Table | None  # key, row_digest of the latest refused attempt; None: as `items` has it
    signatures: pa.Table  # SIGNATURES of users
    policy: tuple[str, ...]  # policy.keep_account
    business_date: date
    limits: FileLimits


@dataclass(frozen=True, slots=True)
class UserBook:
    """Every user with his disposition, the merged groups, and what is odd but stops nobody."""

    users: pa.Table  # USERS
    groups: pa.Table  # merging.GROUPS
    findings: tuple[Finding, ...]

    def account_rows(self) -> tuple[pa.Table, pa.Table]:
        """Persons and companies to be sent now, each in ACCOUNT_ROWS, sorted by key as bytes."""
        ready = self.users.filter(self.users["sendable"])
        columns = {name: ready[name] for name in SENT_COLUMNS}
        rows = build(ACCOUNT_ROWS, key=ready["user_id"], amount_fen=np.zeros(ready.num_rows, np.int64), **columns)
        return rows.filter(pc.equal(rows["kind"], "person")), rows.filter(pc.equal(rows["kind"], "company"))


@dataclass(frozen=True, slots=True)
class _Tested:
    """What the tests say, row for row."""

    own: Mask  # neither the platform's nor merged into another
    closed: Mask  # closed with nothing left
    ranks: Ranks  # of the first local test that failed
    position: Mask


def user_book(facts: UserFacts) -> UserBook:
    """Decide about every user."""
    tidy = Tidy.of(sort_by(facts.users, "user_id").combine_chunks(), facts.limits)
    ids = flat(tidy.source["user_id"])
    openings = Openings.of(ids, facts.items, facts.sent)
    signed = pick(facts.signatures["code"], lookup(ids, facts.signatures["key"]))
    persons = Persons.of(tidy, facts.issues, facts.policy)
    merges, elections = merge_persons(facts, tidy, persons, openings, signed)
    tested = _test(facts, tidy, openings, persons, merges)
    users = _table(tidy, openings, signed, persons, merges, tested)
    sent = openings.live | equals(users["disposition"], "pending")
    unused = persons.unused | (persons.lost & ~equals(users["disposition"], "blocked", "excepted"))
    return UserBook(users, merges.groups, elections + refusals.warnings(tidy, sent, unused))


def _test(facts: UserFacts, tidy: Tidy, openings: Openings, persons: Persons, merges: Merges) -> _Tested:
    ids = flat(tidy.source["user_id"])
    own = ~tidy.platform & ~merges.merged
    position = _of_kept(member(ids, facts.positions), merges.kept) & own
    cash = _of_kept(amounts(ids, facts.balances) != 0, merges.kept)
    closed = own & equals(tidy.source["status"], "closed") & ~position & ~cash & ~openings.live
    ranks = refusals.own_tests(tidy, persons.lost, facts.limits, facts.business_date)
    ranks = refusals.earlier(ranks, "NAME_CONFLICT", merges.conflict)
    # Who is at the bank already holds his phone, whatever the tests say now; he himself is not touched by it.
    among = own & ~closed & ((ranks == PASSED) | openings.live)
    ranks = refusals.earlier(ranks, "PHONE_SHARED", refusals.phone_shared(tidy.phone, among))
    return _Tested(own, closed, ranks, position)


def _table(
    tidy: Tidy, openings: Openings, signed: pa.Array, persons: Persons, merges: Merges, tested: _Tested
) -> pa.Table:
    source, ids = tidy.source, flat(tidy.source["user_id"])
    columns = tidy.columns()
    by_bank = openings.still_refused(columns)
    open_ = tested.own & ~tested.closed & ~openings.ok
    sendable = open_ & ~openings.live & (tested.ranks == PASSED) & ~by_bank & is_null(signed)
    at = _disposition(tidy, openings, signed, merges, tested, sendable, must_be_mended=tested.position | persons.lost)
    cause = pc.if_else(
        pa.array(by_bank),
        pc.binary_join_element_wise("BANK_", openings.code, ""),
        texts((*LOCAL, None), tested.ranks.astype(np.int64)),
    )
    refused = pa.array(np.isin(at, (_EXCEPTED, _BLOCKED, _SELF_OPEN)))
    cause = pc.if_else(refused, pc.coalesce(signed, cause), pa.scalar(None, pa.string()))
    return build(
        USERS,
        **columns,
        user_id=ids,
        status=source["status"],
        disposition=texts(_DISPOSITIONS, at),
        kept_user_id=ids.take(pa.array(merges.kept)),
        account_no=openings.account_no,
        activated=openings.activated,
        reason=pc.coalesce(cause, _reason(at, openings.activated)),
        cause=cause,
        position=tested.position,
        sendable=sendable,
        exception=np.isin(at, (_EXCEPTED, _BLOCKED)),
        preflight_shut=persons.lost & (at == _BLOCKED),
        from_merge=tested.own & (np.bincount(merges.kept, minlength=len(ids)) >= PAIR),
        rare_name=outside_gb2312(flat(source["name"])),
    )


def _disposition(
    tidy: Tidy,
    openings: Openings,
    signed: pa.Array,
    merges: Merges,
    tested: _Tested,
    sendable: Mask,
    must_be_mended: Mask,
) -> Indices:
    """Index into _DISPOSITIONS; the first that holds."""
    tests = (
        tidy.platform,
        merges.merged,
        tested.closed,
        openings.ok,
        ~is_null(signed),
        openings.live | sendable,
        must_be_mended,
    )
    return np.select(tests, range(len(tests)), _SELF_OPEN).astype(np.int64)


def _reason(at: Indices, activated: pa.Array) -> pa.Array:
    """Reasons of those who are not refused; NULL while pending."""
    words = {_PLATFORM: "PLATFORM_ACCOUNT", _MERGED: "MERGED", _CLOSED: "CLOSED"}
    plain = texts([words.get(code) for code in range(len(_DISPOSITIONS))], at)
    flag = pc.if_else(activated, "OPENED_N", "OPENED_S")
    return pc.if_else(pa.array(at == _OPENED), flag, plain)


def _of_kept(flags: Mask, kept: Indices) -> Mask:
    """Move a flag of any member to the kept account; members have none themselves."""
    whole = np.zeros(len(flags), np.bool_)
    whole[kept[flags]] = True
    return whole
