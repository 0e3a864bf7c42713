"""Rows of `users`, `escrow_accounts`, `elections`, by the chunk of user indices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from . import numbers, words
from .hazards import USER_CODE, USER_TRAPS
from .mix import Ints
from .plan import PLATFORM_USERS, Plan
from .traps import spring

Row = list[Any]
USER_COLUMNS = (
    "user_id", "kind", "name", "id_type", "id_no", "sex", "phone", "email", "corporate_account",
    "verified_at", "status", "registered_at", "last_active_at",
)  # fmt: skip
_PLATFORM_NAMES = ("平台手续费户", "平台红包户", "平台结算户")


def yuan(fen: int | None) -> str | None:
    """Fen as yuan with two decimals."""
    return None if fen is None else f"{fen // 100}.{fen % 100:02d}"


def _instants(days_before: Ints, seconds: Ints, today: date) -> list[str]:
    moments = np.datetime64(today, "s") - days_before * np.timedelta64(86_400, "s") + seconds * np.timedelta64(1, "s")
    return [text.replace("T", " ") for text in np.datetime_as_string(moments, unit="s").tolist()]


def user_rows(plan: Plan, index: Ints) -> list[Row]:
    """One row a user index, in the order of USER_COLUMNS, traps planted."""
    mix, seed = plan.mix, plan.seed
    base = plan.leader[index]  # whose identity the row carries
    company, verified = plan.company[index].tolist(), plan.verified[index].tolist()
    id_no = numbers.id_numbers(base, seed)
    people, firms = words.person_names(mix, base), words.company_names(mix, base)
    code_of = numbers.company_numbers(base, seed)
    phone = numbers.phones(plan.phone_of[index], seed)
    joined_days = 200 + mix.below("joined", index, 1500)
    second = mix.below("second", index, 86_400)
    registered = _instants(joined_days, second, plan.business_date)
    checked = _instants(joined_days - 1 - mix.below("checked", index, 20), second, plan.business_date)
    active = _instants(1 + mix.below("active", index, 190), (second * 7) % 86_400, plan.business_date)
    never = mix.chance("never_active", index, 30).tolist()
    mail = mix.chance("mail", index, 300).tolist()
    closed, frozen = plan.closed[index].tolist(), mix.chance("frozen", index, 15).tolist()
    bracketed = bracket_leaders(plan)
    rows: list[Row] = []
    for n, key in enumerate(plan.user_keys(index)):
        status = "closed" if closed[n] else "frozen" if frozen[n] else "active"
        times = [checked[n] if verified[n] else None, status, registered[n], None if never[n] else active[n]]
        email = f"user{index[n] + 1}@example.com" if mail[n] else None
        if index[n] < PLATFORM_USERS:
            name = _PLATFORM_NAMES[index[n]]
            code = numbers.credit_code(99_000_000)
            rows.append(
                [key, "platform", name, "uscc", code, None, phone[n], None, None, registered[n], "active", *times[2:]]
            )
        elif company[n]:
            account = f"1100{code_of[n]:012d}"
            code = numbers.credit_code(code_of[n])
            name = firms[n].replace("有限", "（中国）有限") if index[n] in bracketed else firms[n]
            rows.append([key, "company", name, "uscc", code, None, phone[n], email, account, *times])
        elif verified[n]:
            sex = "M" if int(id_no[n][16]) % 2 else "F"
            rows.append([key, "person", people[n], "id_card", id_no[n], sex, phone[n], email, None, *times])
        else:
            rows.append([key, "person", f"新用户{index[n] + 1}", "id_card", "", None, phone[n], None, None, *times])
    for n in np.flatnonzero(plan.user_trap[index]).tolist():
        spring(USER_TRAPS[plan.user_trap[index[n]] - 1].name, rows[n], int(index[n]), plan)
    return rows


def bracket_leaders(plan: Plan) -> set[int]:
    """Companies whose own name must carry full-width brackets, so that a follower's half-width ones agree."""
    followers = np.flatnonzero(plan.user_trap == USER_CODE["merge_brackets"])
    return set(plan.leader[followers].tolist())


def escrow_rows(plan: Plan, index: Ints, frozen: dict[int, int]) -> list[Row]:
    """One escrow account a user: escrow_id, user_id, available, frozen, bound_card, bound_bank.

    `frozen`: user index -> fen held for what is in flight.
    """
    mix = plan.mix
    has_cash = mix.chance("cash", index, 450) & ~(plan.closed[index] & mix.chance("closed_empty", index, 800))
    size = mix.below("cash.size", index, 5)
    fen = np.where(has_cash, mix.below("cash.fen", index, 10**9) % (10 ** (size + 3)) + 1, 0).tolist()
    bound = (plan.verified[index] & mix.chance("bound", index, 850)).tolist()
    cards, banks = numbers.cards(index), mix.choose("bank", index, ("CCB", "ICBC", "ABC", "BOC", "CMB"))
    return [
        [f"E{user + 1:08d}", key, yuan(cash), yuan(frozen.get(user, 0)), card if b else None, bank if b else None]
        for user, key, cash, b, card, bank in zip(
            index.tolist(), plan.user_keys(index), fen, bound, cards, banks, strict=True
        )
    ]


def election_rows(plan: Plan) -> Iterator[Row]:
    """id_no, user_id, elected_at: which account its owner chose to keep."""
    for user in plan.followers.tolist():
        trap = USER_TRAPS[plan.user_trap[user] - 1].name
        key, id_no = plan.user_keys(np.array([user]))[0], numbers.id_numbers(plan.leader[[user]], plan.seed)[0]
        leader = plan.user_keys(plan.leader[[user]])[0]
        if trap == "merge_elected":
            yield [id_no, leader, "2017-09-01 10:00:00"]
            yield [id_no, key, "2017-10-01 10:00:00"]
        elif trap == "merge_election_tie":
            yield [id_no, leader, "2017-10-01 10:00:00"]
            yield [id_no, key, "2017-10-01 10:00:00"]
        elif trap == "merge_election_invalid":
            yield [id_no, plan.user_keys(plan.idle[:1])[0], "2017-10-02 10:00:00"]
