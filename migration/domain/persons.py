"""Which users are the same person, and which of their accounts is kept: gathers what `merging` needs from the facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import merging
from migration.domain.columns import Fen, Mask, equals, fen, flat, is_null, lookup, member, sum_at
from migration.domain.elections import elect

if TYPE_CHECKING:
    from migration.domain.cohorts import UserFacts
    from migration.domain.findings import Finding
    from migration.domain.openings import Openings
    from migration.domain.refusals import Tidy

_POLICY_DATES: Final = {"last_active": "last_active_at", "registered": "registered_at"}


@dataclass(frozen=True, slots=True)
class Persons:
    """`key` is equal for accounts of one person, NULL for users who are in no group.

    `lost`: a date that decides about the user was impossible at the source (H27). He is in no group then, so that he
    can be signed off without taking another with him. `unused`: such a date decides nothing.
    """

    key: pa.Array
    lost: Mask
    unused: Mask

    @classmethod
    def of(cls, tidy: Tidy, issues: pa.Table, policy: tuple[str, ...]) -> Persons:
        """`issues` as ISSUES of the entity users, `policy` as policy.keep_account."""
        source = tidy.source
        eligible = (tidy.person | tidy.company) & ~is_null(source["verified_at"])
        key = merging.person_keys(flat(source["kind"]), tidy.id_no, eligible)
        wrong = issues.filter(pa.array(equals(issues["code"], "DATE_INVALID")))
        verified = _impossible(source, wrong, "verified_at")
        dates = {name: _impossible(source, wrong, column) for name, column in _POLICY_DATES.items()}
        nobody = np.zeros(source.num_rows, np.bool_)
        # Dates of the policy decide only between accounts of one person.
        tied = np.logical_or.reduce([nobody, *(dates[name] for name in policy if name in dates)])
        if tied.any():
            tied &= merging.in_groups(key)
        lost = (verified | tied) & ~tidy.platform
        unused = np.logical_or.reduce([verified, *dates.values()]) & ~lost
        return cls(pc.if_else(pa.array(lost), pa.scalar(None, pa.string()), key), lost, unused)


def _impossible(source: pa.Table, wrong: pa.Table, column: str) -> Mask:
    """Where the source gave an impossible date; a correction has mended it where there is a value now."""
    keys = wrong.filter(pa.array(equals(wrong["column"], column)))["key"]
    return member(source["user_id"], keys) & is_null(source[column])


def merge_persons(
    facts: UserFacts, tidy: Tidy, persons: Persons, openings: Openings, signed: pa.Array
) -> tuple[merging.Merges, tuple[Finding, ...]]:
    """Merge identities; `signed` is the code under which each user was signed off, NULL for most."""
    source = tidy.source
    ids = flat(source["user_id"])
    elected, findings = elect(facts.elections, ids, flat(source["id_type"]), tidy.id_no, persons.key)
    receivable = amounts(ids, facts.receivables)
    apart = equals(signed, "NAME_CONFLICT") & ~openings.live
    candidates = merging.Candidates(
        user_ids=ids,
        person=persons.key,
        names=flat(source["name"]),
        receivable=receivable,
        ranks={
            "election": elected,
            "party_to_listing": np.where(member(ids, facts.parties), 0, 1),
            "receivable": -receivable,
            "balance": -amounts(ids, facts.balances),
            "last_active": merging.descending(source["last_active_at"]),
            "registered": merging.ascending(source["registered_at"]),
            "user_id": np.arange(len(ids), dtype=np.int64),
        },
        policy=facts.policy,
        marks=merging.Marks(openings.live, (openings.refused | ~is_null(signed)) & ~apart, apart),
    )
    return merging.merge(candidates), findings


def amounts(ids: pa.Array, table: pa.Table) -> Fen:
    """Fen of each user from a table (user_id, fen)."""
    return sum_at(fen(table["fen"]), lookup(table["user_id"], ids), len(ids))
