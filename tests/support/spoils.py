"""The corruptions of a migration that a verifier has to see, made where the movers would make them (reliability.md).

Each changes what is moved, so that files, answers and claim agree with each other and only the legacy side contradicts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.support.large_world import PER_FILE, LargeWorld


@dataclass(frozen=True)
class Spoil:
    """A corruption: its name, what it does, and how many debts or users it touches."""

    name: str
    title: str
    make: Callable[[LargeWorld], list[str]]
    """Spoils the world and says which keys (debts or users) are wrong."""


def _keys(world: LargeWorld, *debts: int) -> list[str]:
    return sorted(world.debt_id[debt].tobytes().decode() for debt in debts)


def _swapped(world: LargeWorld) -> list[str]:
    world.moved.principal[[1_001, 1_402]] = world.moved.principal[[1_402, 1_001]]
    return _keys(world, 1_001, 1_402)


def _rounded(world: LargeWorld) -> list[str]:
    world.moved.principal[1_001] -= 1
    return _keys(world, 1_001)


def _digit(world: LargeWorld) -> list[str]:
    """The last digit of the principal becomes the first of the interest."""
    principal, digit = divmod(int(world.moved.principal[1_002]), 10)
    world.moved.principal[1_002] = principal
    world.moved.interest[1_002] = int(f"{digit}{world.moved.interest[1_002]}")
    return _keys(world, 1_002)


def _hundred(world: LargeWorld) -> list[str]:
    """On two debts of one lender."""
    lender = world.moved.holder[1_000]
    pair = np.flatnonzero((world.moved.holder == lender) & world.open)[:2]
    world.moved.principal[pair] += np.array([100, -100])
    return _keys(world, *pair)


def _hundred_listing(world: LargeWorld) -> list[str]:
    """On two debts of one listing."""
    pair = np.flatnonzero((world.listing == world.listing[1_000]) & world.open)[:2]
    world.moved.principal[pair] += np.array([100, -100])
    return _keys(world, *pair)


def _twice(world: LargeWorld) -> list[str]:
    """Sent and answered twice, in two files, and twice in the claim."""
    world.moved.sent = np.append(world.moved.sent, 1_001)
    world.moved.rows = np.sort(np.append(world.moved.rows, 1_001))
    return _keys(world, 1_001)


def _given(world: LargeWorld) -> list[str]:
    world.moved.holder[1_001] = world.moved.holder[1_042]
    return _keys(world, 1_001)


def _padded(world: LargeWorld) -> list[str]:
    """A blank before the name of a lender, wherever it is sent."""
    user = int(world.moved.holder[1_001])
    world.moved.name[user] = np.roll(world.moved.name[user], 1)
    return [world.user_id[user].tobytes().decode()]


def _unmerged(world: LargeWorld) -> list[str]:
    """A debt of a merged account goes to another account than the kept one's."""
    debt = int(np.flatnonzero(world.is_merged[world.lender] & world.open)[0])
    world.moved.holder[debt] = world.listings + (world.moved.holder[debt] - world.listings + 1) % world.lenders
    return _keys(world, debt)


def _shifted(world: LargeWorld) -> list[str]:
    world.moved.end[1_001] += 1
    return _keys(world, 1_001)


def _edge(world: LargeWorld) -> list[str]:
    """The last record of a file and the first of the next, in no file and not in the claim."""
    sample = world.moved.sent[::100][:2_000]
    rest = world.moved.sent[~np.isin(world.moved.sent, sample)]
    at = min(PER_FILE, len(rest) - 1)
    lost = rest[[at - 1, at]]
    world.moved.sent = world.moved.sent[~np.isin(world.moved.sent, lost)]
    world.moved.rows = world.moved.rows[~np.isin(world.moved.rows, lost)]
    return _keys(world, *lost)


SPOILS: Final = (
    Spoil("swapped", "two debts' principals swapped", _swapped),
    Spoil("rounded", "a fen lost by rounding", _rounded),
    Spoil("digit", "a digit moved to the next column", _digit),
    Spoil("hundred_lender", "+100 / -100 on two debts of one lender", _hundred),
    Spoil("hundred_listing", "+100 / -100 on two debts of one listing", _hundred_listing),
    Spoil("twice", "one debt loaded twice", _twice),
    Spoil("given", "one debt given to another user", _given),
    Spoil("padded", "a name padded with a blank", _padded),
    Spoil("unmerged", "a debt on the wrong account after a merge", _unmerged),
    Spoil("shifted", "an end date shifted by a day", _shifted),
    Spoil("edge", "a row missing on both sides of a file's edge", _edge),
)


def judged(world: LargeWorld, failing: dict[str, list[str]]) -> tuple[set[str], set[str]]:
    """What was missed, and what was named without being wrong: debts and users, and persons and listings whose sums differ."""
    rows = {key for check, keys in failing.items() if check.startswith(("debts.", "users.")) for key in keys}
    sums = {key for check, keys in failing.items() if check in {"sums.persons", "sums.listings"} for key in keys}
    debts = [int(key[1:]) for key in world.wrong if key.startswith("D")]
    people = {*world.moved.holder[debts], *world.kept[world.lender[debts]]}
    concerned = {world.user_id[who].tobytes().decode() for who in people}
    concerned |= {world.listing_id[listing].tobytes().decode() for listing in world.listing[debts]}
    return set(world.wrong) - rows, (rows - set(world.wrong)) | (sums - concerned)
