"""Why an item stands where it stands: the reason codes of listings and debts, in the order in which they are tested."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.domain.columns import MISSING, Mask, lookup

Ranks = npt.NDArray[np.int8]

ORDER: Final = (
    "ORPHAN",
    "FINISHED",
    "CANCELLED",
    "NOT_LENT",
    "ZERO",
    "INTEREST_ONLY",
    "LISTING_NOT_OPEN",
    "PLATFORM_PARTY",
    "SELF_LOAN",
    "FIELD_INVALID",
    "NAME_UNENCODABLE",
    "OVERDUE",
    "SCHEDULE_MISMATCH",
    "PARTY_NOT_OPENED",
    "BANK",
)
"""contract.md section 4: where several fit, the first counts. BANK stands for BANK_<code>."""

RANK: Final = {code: rank for rank, code in enumerate(ORDER)}
NONE: Final = len(ORDER)
NOT_MIGRATED: Final = frozenset(RANK[code] for code in ("FINISHED", "CANCELLED", "NOT_LENT", "ZERO"))
DERIVED: Final = RANK["PARTY_NOT_OPENED"]
BANK: Final = RANK["BANK"]


def first(size: int, tests: Iterable[tuple[str, Mask]]) -> Ranks:
    """The rank of the earliest code whose test holds; NONE where none does."""
    ranks = np.full(size, NONE, np.int8)
    for code, holds in tests:
        ranks = np.where(holds & (ranks > RANK[code]), np.int8(RANK[code]), ranks).astype(np.int8)
    return ranks


def is_not_migrated(ranks: Ranks) -> Mask:
    """Items that stay behind by the rules: finished, cancelled, not lent, nothing left."""
    return np.isin(ranks, np.array(sorted(NOT_MIGRATED), np.int8))


def keep_cause(ranks: Ranks, ids: pa.Array, signatures: pa.Table) -> Ranks:
    """Signing keeps the cause: a signed item has the rank of the code that was signed, whatever has changed since."""
    if not signatures.num_rows:
        return ranks
    signed = np.array([RANK.get(code, BANK) for code in signatures["code"].to_pylist()], np.int8)
    at = lookup(ids, signatures["key"])
    return np.where(at == MISSING, ranks, signed[np.maximum(at, 0)]).astype(np.int8)
