"""The gate after residual: every escrow account is shown once, to whom it belongs (domain.md, Order and gates 7)."""

from __future__ import annotations

from typing import Final

from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="residual", prefix="RES", blocks="reconcile")
_EXPORT: Final = "contract.md 4 residuals"
_SHUT: Final = "domain.md Order and gates 4"

BALANCE_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        1, "residuals", ("keys", "residuals.not_once"), _EXPORT,
        "每个托管账户恰好出现一次", "every escrow account is shown exactly once",
    ),
    _GATE.rule(
        2, "residuals", ("equal", "residuals.fen", "escrow.legacy_fen"), "reliability.md I1",
        "余额合计等于原托管", "residual balances add up to the legacy escrow", unit="fen",
    ),
)  # fmt: skip
SETTLED_RULES: Final[tuple[Rule, ...]] = (
    *(
        _GATE.rule(
            10 + n, entity, ("keys", f"{entity}.open_end"), _SHUT,
            f"没有待定或受阻的{noun_zh}", f"none of the {entity} is pending or blocked", owner="operations",
        )
        for n, (entity, noun_zh) in enumerate((("users", "用户"), ("listings", "标的"), ("debts", "债权")))
    ),
    _GATE.rule(
        13, "exceptions", ("keys", "exceptions.open"), "contract.md 3 Exceptions",
        "没有未签字的例外", "no exception is open", owner="compliance",
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *BALANCE_RULES,
    _GATE.rule(
        3, "residuals", ("keys", "residuals.amount_differs"), "reliability.md I1",
        "每个账户可用与冻结额不变", "each account keeps its owner, available and frozen amounts",
    ),
    _GATE.rule(
        4, "residuals", ("keys", "residuals.entitled_wrong"), "domain.md Merging identities",
        "权利人是保留用户", "the person entitled is the kept user", owner="operations",
    ),
    _GATE.rule(
        5, "residuals", ("keys", "residuals.status_wrong"), _EXPORT,
        "余额状态正确", "each status follows its amounts",
    ),
    *SETTLED_RULES,
)  # fmt: skip
