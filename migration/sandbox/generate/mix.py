"""Counter-based randomness: every drawn value is a pure function of (seed, stream name, index).

So any chunk of any table can be made at any time, in any order, with no state carried between chunks: memory stays
bounded, and a follower's row can be built from its leader's values without having kept them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)


@lru_cache(maxsize=1024)
def _stream(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:8], "big")


class Mix:
    """The draws of one seed. All methods take an int64 index array and return an array of its length."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def raw(self, name: str, index: Ints) -> NDArray[np.uint64]:
        """64 well-mixed bits an index (the splitmix64 finaliser over a stream-keyed counter)."""
        with np.errstate(over="ignore"):
            z = (index.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(_stream(self.seed, name))
            z = (z ^ (z >> np.uint64(30))) * _MIX_A
            z = (z ^ (z >> np.uint64(27))) * _MIX_B
            return z ^ (z >> np.uint64(31))

    def below(self, name: str, index: Ints, bound: int) -> Ints:
        """Integers 0..bound-1."""
        return ((self.raw(name, index) >> np.uint64(11)) % np.uint64(bound)).astype(np.int64)

    def chance(self, name: str, index: Ints, per_mille: int) -> NDArray[np.bool_]:
        """True for about `per_mille` of 1,000."""
        return self.below(name, index, 1000) < per_mille

    def choose(self, name: str, index: Ints, values: Sequence[Any]) -> list[Any]:
        """One of `values` an index."""
        return [values[i] for i in self.below(name, index, len(values)).tolist()]

    def shuffled(self, name: str, index: Ints) -> Ints:
        """The given indices in a random order."""
        return index[np.argsort(self.raw(name, index), kind="stable")]
