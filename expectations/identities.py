"""The gate after identities: who was merged with whom, and nobody lost a fen by it (domain.md, Merging identities)."""

from __future__ import annotations

from typing import Final

from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="identities", prefix="IDN", blocks="accounts", owner="operations")
_ONE: Final = "reliability.md I3"
_MERGE: Final = "domain.md Merging identities"
_I8: Final = "reliability.md I8"

WHOLE_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        1, "users", ("keys", "users.not_once"), _ONE,
        "每个用户恰有一条处置", "every user has exactly one disposition",
    ),
    _GATE.rule(
        2, "users", ("equal", "book.users.disposed", "users.rows"), _ONE,
        "各处置合计等于用户数", "the known dispositions add up to the users",
    ),
    _GATE.rule(
        3, "users", ("keys", "users.merged_astray"), _MERGE,
        "被合并者指向未被合并的保留用户，其余指向自己", "merged users point at a kept one, all others at themselves",
    ),
    _GATE.rule(
        4, "users", ("keys", "users.closed_with_stake"), "domain.md Cohorts 3",
        "关闭的用户没有持仓和余额", "closed users hold no position and no cash",
    ),
)  # fmt: skip
RECEIVABLE_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        10, "debts", ("equal", "receivable.after", "receivable.before"), _I8,
        "合并前后待收本金合计相等", "receivables before and after merging are equal to the fen", unit="fen",
    ),
    _GATE.rule(
        11, "users", ("keys", "receivable.person_differs"), _I8,
        "每人待收（本金、利息、加息）合并前后相等", "each person's receivable is unchanged by merging",
    ),
    _GATE.rule(
        12, "debts", ("keys", "debts.holder_differs"), _MERGE,
        "债权归出借人的保留账户", "every debt is held by its lender's kept user",
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *WHOLE_RULES,
    _GATE.rule(
        5, "users", ("keys", "users.merged_not_customer"), _MERGE,
        "平台账户与未实名用户不参与合并", "no platform account and no unverified user is merged",
    ),
    _GATE.rule(
        6, "users", ("keys", "users.merged_other_person"), _MERGE,
        "合并双方证件号规范化后相同、姓名一致", "both sides of a merge have one normalised ID number and one name",
        owner="compliance",
    ),
    _GATE.rule(
        7, "users", ("keys", "users.not_merged"), _MERGE,
        "同一人的账户已合并", "accounts of one person are merged", severity="warning",
    ),
    _GATE.rule(
        8, "users", ("keys", "users.platform_not_closed"), "domain.md Cohorts 1",
        "平台账户一律关闭", "platform accounts are closed, and only as such",
    ),
    *RECEIVABLE_RULES,
)  # fmt: skip
