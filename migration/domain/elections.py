"""Elections (用户选择): the account that its owner chose to keep.

An election counts if its ID is that user's and he is in a group that can merge. The latest one wins; ties and invalid
ones are findings, then the policy decides. Source: domain.md "Merging identities". Findings never show an ID number.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from migration.domain.columns import Indices, lookup, pick
from migration.domain.findings import Finding
from migration.domain.identity import normalise_id

if TYPE_CHECKING:
    import pyarrow as pa

ELECTED: Final = 0
NOT_ELECTED: Final = 1

_Latest = dict[str, tuple[datetime, set[int]]]


def elect(
    elections: pa.Table, user_ids: pa.Array, id_types: pa.Array, id_nos: pa.Array, person: pa.Array
) -> tuple[Indices, tuple[Finding, ...]]:
    """Rank users by election: ELECTED for the chosen account of a person, NOT_ELECTED for all others.

    `elections` as SNAPSHOT["elections"]; the other columns row for row, `id_nos` normalised, `person` NULL for users
    who can be in no group (unverified, the platform's own).
    """
    latest, findings = _latest(elections, user_ids, id_types, id_nos, person)
    ranks = np.full(len(user_ids), NOT_ELECTED, np.int64)
    for _, rows in latest.values():
        if len(rows) == 1:
            ranks[next(iter(rows))] = ELECTED
        else:
            findings += [_tie(user_ids[row].as_py()) for row in sorted(rows)]
    return ranks, tuple(findings)


def _latest(
    elections: pa.Table, user_ids: pa.Array, id_types: pa.Array, id_nos: pa.Array, person: pa.Array
) -> tuple[_Latest, list[Finding]]:
    """Give the rows chosen at the latest instant, by person, and a finding for each election that does not count."""
    at = lookup(elections["user_id"], user_ids)
    columns = zip(
        at.tolist(),
        elections["user_id"].to_pylist(),
        elections["id_no"].to_pylist(),
        elections["elected_at"].to_pylist(),
        pick(id_types, at).to_pylist(),
        pick(id_nos, at).to_pylist(),
        pick(person, at).to_pylist(),
        strict=True,
    )
    latest: _Latest = {}
    findings: list[Finding] = []
    for row, user_id, chosen_id, when, id_type, id_no, who in columns:
        if who is None or when is None or normalise_id(chosen_id, id_type) != id_no:
            findings.append(_invalid(user_id))
        elif who not in latest or when > latest[who][0]:
            latest[who] = (when, {row})
        elif when == latest[who][0]:
            latest[who][1].add(row)
    return latest, findings


def _invalid(user_id: str | None) -> Finding:
    return Finding(
        "ELECTION_INVALID",
        f"elections/{user_id or '?'}",
        "the ID is not this user's, or the user is unknown, not verified or without a date of election",
        "the policy decides; mend the election at the source if it was meant",
    )


def _tie(user_id: str) -> Finding:
    return Finding(
        "ELECTION_TIE",
        f"elections/{user_id}",
        "several accounts of one person were chosen at the same instant",
        "the policy decides; mend the election at the source if it was meant",
    )
