"""Who plays which part, and which trap sits where: small arrays over all users and listings (about 20 bytes a user)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .hazards import FEW, LISTING_CODE, LISTING_TRAPS, MERGED_TRAPS, NOT_LENT, USER_CODE, USER_TRAPS, Trap
from .mix import Ints, Mix

PLATFORM_USERS = 3
"""Users 0-2: the platform's fee, red-packet and settlement accounts."""
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sizes:
    """How much to make."""

    users: int
    listings: int
    debts: int

    def check(self) -> None:
        """ValueError when the platform would be too small to be coherent."""
        if self.users < 20 or self.listings < 1 or self.debts < 3 * self.listings:  # noqa: PLR2004 - one place
            raise ValueError("needs at least 20 users, 1 listing and 3 debts a listing")


class Plan:
    """The parts of one platform: pure functions of (sizes, seed, hazards, business date)."""

    def __init__(self, sizes: Sizes, seed: int, hazards: frozenset[str], business_date: date) -> None:
        sizes.check()
        self.sizes, self.seed, self.hazards, self.business_date = sizes, seed, hazards, business_date
        self.mix = Mix(seed)
        self.user_trap: Bytes = np.zeros(sizes.users, dtype=np.uint8)
        self.listing_trap: Bytes = np.zeros(sizes.listings, dtype=np.uint8)
        self.leader: Ints = np.arange(sizes.users, dtype=np.int64)
        self.phone_of: Ints = np.arange(sizes.users, dtype=np.int64)
        self._cast()
        self._plant_users()
        self._plant_listings()
        self._cast_parties()

    # --- parts ---------------------------------------------------------------------------------------------------
    def _cast(self) -> None:
        everyone = np.arange(self.sizes.users, dtype=np.int64)
        ordinary = everyone >= PLATFORM_USERS
        self.company: Flags = ordinary & self.mix.chance("company", everyone, 30)
        self.company[PLATFORM_USERS : PLATFORM_USERS + 6] = True
        self.verified: Flags = ordinary & (self.company | ~self.mix.chance("unverified", everyone, 80))
        self.closed: Flags = ordinary & self.mix.chance("closed", everyone, 25)
        usable = self.mix.shuffled("parts", everyone[self.verified & ~self.closed])
        firms, people = usable[self.company[usable]], usable[~self.company[usable]]
        wanted = max(1, self.sizes.listings * 7 // 10)
        firms_wanted = min(len(firms) // 3, max(1, wanted // 7))
        self.borrowers: Ints = np.concatenate(
            [firms[:firms_wanted], people[: min(wanted - firms_wanted, len(people) // 4)]]
        )
        firms, people = firms[firms_wanted:], people[len(self.borrowers) - firms_wanted :]
        guarantors = max(1, min(len(firms) // 3, self.sizes.listings // 40))
        self.guarantors: Ints = np.concatenate([firms[:guarantors], people[: max(1, guarantors // 2)]])
        firms, people = firms[guarantors:], people[max(1, guarantors // 2) :]
        lenders = len(people) * 65 // 100
        self.lenders: Ints = np.concatenate([people[:lenders], firms[: len(firms) // 5], self.borrowers[::20]])
        self.idle: Ints = people[lenders:]
        self.idle_firms: Ints = firms[len(firms) // 5 :]

    # --- traps ---------------------------------------------------------------------------------------------------
    def _plant_users(self) -> None:
        pools = {
            "lender": self._only_lenders,
            "idle": self.idle,
            "company": self.idle_firms,
        }
        left = {name: list(self.mix.shuffled(f"pool.{name}", pool).tolist()) for name, pool in pools.items()}
        for trap in USER_TRAPS:
            if trap.hazard in self.hazards:
                self._plant_user_trap(trap, left)
        self.refused_parties = left["idle"][:12]
        """Idle users kept aside: parties of the `*_refused` listings, given passports."""

    @cached_property
    def _only_lenders(self) -> Ints:
        return self.lenders[~self.company[self.lenders] & ~np.isin(self.lenders, self.borrowers)]

    def _plant_user_trap(self, trap: Trap, left: dict[str, list[int]]) -> None:
        count = self._how_many(trap, self.sizes.users, 10_000)
        sides = {"both": ("lender", "idle"), "leader": ("idle", "lender")}.get(trap.pool, (trap.pool,))
        for n in range(count * len(sides) if trap.pool == "both" else count):
            side = sides[n % len(sides)]
            if len(left[side]) <= 14:  # noqa: PLR2004 - keep some for refused parties and partners
                continue
            user = left[side].pop()
            self.user_trap[user] = USER_CODE[trap.name]
            if trap.pool == "leader":
                self._follow(trap, user, left, n)
            elif trap.name == "phone_shared":
                self.phone_of[user] = left[side].pop()

    def _follow(self, trap: Trap, user: int, left: dict[str, list[int]], n: int) -> None:
        if trap.name == "merge_brackets":
            self.user_trap[user] = 0
            if len(left["company"]) < 2:  # noqa: PLR2004 - a pair
                return
            user, leader = left["company"].pop(), left["company"].pop()
            self.user_trap[user] = USER_CODE[trap.name]
        else:
            leader = int(self.borrowers[-1 - n // 3]) if n % 3 == 2 and n // 3 < len(self.borrowers) // 4 else -1  # noqa: PLR2004
            if leader < 0 or self.company[leader] or (self.leader == leader).sum() > 1:
                leader = left["lender"].pop()
        self.leader[user] = leader
        if trap.name == "merge" and n % 4 == 3 and len(left["lender"]) > 14:  # noqa: PLR2004 - every fourth group has three
            third = left["lender"].pop()
            self.leader[third], self.user_trap[third] = leader, USER_CODE[trap.name]

    def _plant_listings(self) -> None:
        order = self.mix.shuffled("listing.traps", np.arange(self.sizes.listings, dtype=np.int64)).tolist()
        spare = self.sizes.listings // 3  # never trap everything
        for trap in LISTING_TRAPS:
            if trap.hazard not in self.hazards:
                continue
            count = self._how_many(trap, self.sizes.listings, 1000) * (2 if trap.pool == "pair" else 1)
            for _ in range(count):
                if len(order) <= spare:
                    break
                self.listing_trap[order.pop()] = LISTING_CODE[trap.name]

    @staticmethod
    def _how_many(trap: Trap, of: int, per: int) -> int:
        if trap.hazard in FEW:
            return 1
        return max(1, round(of * trap.rate / per))

    def _cast_parties(self) -> None:
        index = np.arange(self.sizes.listings, dtype=np.int64)
        self.borrower: Ints = self.borrowers[self.mix.below("borrower", index, len(self.borrowers))]
        none = np.full(self.sizes.listings, -1, dtype=np.int64)
        self.guarantor: Ints = np.where(
            self.mix.chance("guaranteed", index, 350),
            self.guarantors[self.mix.below("guarantor", index, len(self.guarantors))],
            none,
        )
        others = self.borrowers[self.mix.below("payee", index, len(self.borrowers))]
        self.payee: Ints = np.where(self.mix.chance("has_payee", index, 60) & (others != self.borrower), others, none)
        others = self.borrowers[self.mix.below("nominal", index, len(self.borrowers))]
        self.nominal: Ints = np.where(
            self.mix.chance("has_nominal", index, 30) & (others != self.borrower), others, none
        )
        spare = list(self.refused_parties)
        for name, parties in (("borrower", self.borrower), ("guarantor", self.guarantor), ("payee", self.payee)):
            for listing in np.flatnonzero(self.trapped(f"{name}_refused")).tolist():
                user = spare.pop() if spare else self.refused_parties[0]
                parties[listing] = user
                self.user_trap[user] = USER_CODE["passport"]
        self.guarantor[self.trapped("platform_guarantor")] = 0
        advanced = self.trapped("guarantor_advanced")
        self.guarantor[advanced] = self.guarantors[index[advanced] % len(self.guarantors)]

    # --- what the writers ask ------------------------------------------------------------------------------------
    def trapped(self, *names: str) -> Flags:
        """Over all listings: which carry one of these traps."""
        return np.isin(self.listing_trap, [LISTING_CODE[name] for name in names])

    @cached_property
    def followers(self) -> Ints:
        """Users who copy another's identity, in order."""
        return np.flatnonzero(np.isin(self.user_trap, [USER_CODE[name] for name in MERGED_TRAPS])).astype(np.int64)

    @cached_property
    def debts_of(self) -> Ints:
        """Debts a listing: at least 3 on every lent one, the rest by a lopsided weight; sums to `sizes.debts`."""
        index = np.arange(self.sizes.listings, dtype=np.int64)
        weight = np.where(self.trapped(*NOT_LENT), 0, 1 + self.mix.below("weight", index, 12))
        lent = np.flatnonzero(weight)
        if not len(lent):
            raise ValueError("no listing was lent")
        rest = self.sizes.debts - 3 * len(lent)
        count = np.where(weight > 0, 3 + rest * weight // weight.sum(), 0)
        count[lent[0]] += self.sizes.debts - count.sum()
        return count

    @cached_property
    def first_debt(self) -> Ints:
        """Index of each listing's first debt, and one more at the end."""
        return np.concatenate([[0], np.cumsum(self.debts_of)]).astype(np.int64)

    # --- keys ----------------------------------------------------------------------------------------------------
    def user_keys(self, index: Ints) -> list[str]:
        """`U0000123`; with H10 some bare digits with leading zeros."""
        zeros = self._zeros("user", index)
        return [f"{n + 1:08d}" if z else f"U{n + 1:07d}" for n, z in zip(index.tolist(), zeros, strict=True)]

    def listing_keys(self, index: Ints) -> list[str]:
        """`L0000123`; leading zeros (H10), over 40 characters or equal but for case (H16)."""
        zeros, keys = self._zeros("listing", index), []
        pairs = np.flatnonzero(self.trapped("number_case_pair")).tolist()
        for n, zero in zip(index.tolist(), zeros, strict=True):
            trap = int(self.listing_trap[n])
            if trap == LISTING_CODE["number_too_long"]:
                keys.append(f"L{n + 1:07d}{'9' * 33}")
            elif trap == LISTING_CODE["number_case_pair"]:
                place = pairs.index(n)
                keys.append(f"L{pairs[place - place % 2] + 1:07d}{'aA'[place % 2]}B")
            else:
                keys.append(f"{n + 1:08d}" if zero else f"L{n + 1:07d}")
        return keys

    def debt_keys(self, index: Ints) -> list[str]:
        """`D000000123`; with H10 some bare digits with leading zeros."""
        zeros = self._zeros("debt", index)
        return [f"{n + 1:010d}" if z else f"D{n + 1:09d}" for n, z in zip(index.tolist(), zeros, strict=True)]

    def _zeros(self, what: str, index: Ints) -> list[bool]:
        if "H10" not in self.hazards:
            return [False] * len(index)
        return self.mix.chance(f"zeros.{what}", index, 20).tolist()
