"""Merkle trees over the chain of events, as RFC 6962 has them. Pure.

    leaf  = SHA-256(0x00 || the event's digest, 32 bytes)
    node  = SHA-256(0x01 || left || right)

A tree that only grows is kept as its *peaks*: the roots of its full subtrees, largest first, one for each bit of its size.
From them the next root is computed without reading the events before; 64 hex digits a peak, at most 64 peaks.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def grown(peaks: Sequence[str], size: int, digests: Iterable[str]) -> tuple[list[str], int]:
    """Return peaks and size of a tree after these leaves (hex digests of events) were added."""
    found = list(peaks)
    for digest in digests:
        found.append(hashlib.sha256(b"\x00" + bytes.fromhex(digest)).hexdigest())
        merged = size  # a carry for every low bit that is set
        while merged & 1:
            right, left = found.pop(), found.pop()
            found.append(_node(left, right))
            merged >>= 1
        size += 1
    return found, size


def root(peaks: Sequence[str]) -> str:
    """Return the root of the tree with these peaks; the digest of nothing for the empty one."""
    if not peaks:
        return hashlib.sha256(b"").hexdigest()
    found = peaks[-1]
    for left in reversed(peaks[:-1]):
        found = _node(left, found)
    return found


def _node(left: str, right: str) -> str:
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()
