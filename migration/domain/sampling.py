"""The sample: what a full run would break must be found by a few (domain.md, Sampling).

Strata are single levels, not their cross product; the order is ascending SHA-256 of `seed|entity|key`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.domain.columns import Indices, Mask

BY_HAND: Final = "added=by_hand"
"""The stratum of what the operator added: all of it is in the sample."""


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """What a sample was drawn by, for the report. `coverage` maps a stratum to (members, of them in the sample)."""

    population: int
    defects: int  # D: the least number of defects that the sample must find
    size: int  # n of the bound; strata may add to it
    drawn: int
    coverage: Mapping[str, tuple[int, int]]


def _hit_free(population: int, defects: int, size: int) -> tuple[int, int]:
    """C(N-D, n) / C(N, n), the chance that n drawn without replacement meet none of D, as numerator and denominator."""
    if size > population - defects:
        return 0, 1
    fewer, other = min(size, defects), max(size, defects)  # the value is symmetric: C(N-n, D) / C(N, D)
    above, below = 1, 1
    for i in range(fewer):
        above *= population - other - i
        below *= population - i
    return above, below


def bound(population: int, confidence: Decimal, defect_rate: Decimal) -> tuple[int, int]:
    """(D, n): D = max(1, ceil(N * rate)); n the least with C(N-D, n)/C(N, n) <= 1 - confidence, at most N. Exact."""
    if population == 0:
        return 0, 0
    defects = max(1, int((population * defect_rate).to_integral_value(ROUND_CEILING)))
    defects = min(defects, population)
    allowed, whole = (Decimal(1) - confidence).as_integer_ratio()

    def enough(size: int) -> bool:
        above, below = _hit_free(population, defects, size)
        return above * whole <= allowed * below

    # The products are long integers: grow from small sizes, never try one far beyond the answer.
    low, high = 0, 1
    while high < population and not enough(high):
        low, high = high + 1, min(high * 2, population)
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return defects, low


def ranking(keys: pa.Array, entity: str, seed: int) -> Indices:
    """Row numbers in ascending order of the hex digest of SHA-256(`seed|entity|key`); `entity` in the plural."""
    prefix = f"{seed}|{entity}|".encode()
    digests = [hashlib.sha256(prefix + key.encode()).digest() for key in keys.to_pylist()]
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), np.int64)


def levels(**columns: npt.NDArray[np.object_] | Mask) -> dict[str, Mask]:
    """Every level of every column as a stratum: `method=at_maturity`, `guarantor=True`."""
    strata: dict[str, Mask] = {}
    for name, values in columns.items():
        for level in sorted({str(v) for v in np.unique(values.astype(str))}):
            strata[f"{name}={level}"] = values.astype(str) == level
    return strata


def extremes(amounts: npt.NDArray[np.int64]) -> dict[str, Mask]:
    """The smallest and the largest amount as strata."""
    if not len(amounts):
        return {}
    return {"amount=smallest": amounts == amounts.min(), "amount=largest": amounts == amounts.max()}


def draw(
    keys: pa.Array,
    entity: str,
    strata: Mapping[str, Mask],
    *,
    seed: int,
    confidence: Decimal,
    defect_rate: Decimal,
    added: Mask | None = None,
) -> tuple[Mask, SamplePlan]:
    """The sample as a mask over `keys`: the first n by ranking, the first of each stratum, and what was added by hand."""
    order = ranking(keys, entity, seed)
    defects, size = bound(len(keys), confidence, defect_rate)
    drawn = np.zeros(len(keys), np.bool_)
    drawn[order[:size]] = True
    for holds in strata.values():
        members = order[holds[order]]
        drawn[members[:1]] = True
    if added is not None and added.any():
        drawn |= added
        strata = {**strata, BY_HAND: added}
    coverage = {name: (int(holds.sum()), int((holds & drawn).sum())) for name, holds in strata.items()}
    return drawn, SamplePlan(len(keys), defects, size, int(drawn.sum()), coverage)
