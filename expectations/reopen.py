"""The gate after reopen: who was refused is on the list for cause, and only he (domain.md, Cohorts 6)."""

from __future__ import annotations

from typing import Final

from expectations.accounts import ACCOUNT_RULES
from expectations.exchange import BATCH_RULES
from expectations.identities import WHOLE_RULES
from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="reopen", prefix="REO", blocks="listings", owner="operations")
_LIST: Final = "domain.md Cohorts 6"

LIST_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        1, "users", ("keys", "users.self_open_with_position"), _LIST,
        "有持仓的被拒者不得归为自行开户", "nobody with an open position is left to open by himself",
    ),
    _GATE.rule(
        2, "users", ("keys", "users.blocked_without_position"), _LIST,
        "待补开名单上都有持仓", "everybody on the re-open list has an open position",
    ),
    _GATE.rule(
        3, "users", ("keys", "users.blocked_unlisted"), "contract.md 3 Exceptions",
        "待补开者都在例外清单上", "everybody on the re-open list is an open exception", severity="warning",
    ),
    _GATE.rule(
        4, "users", ("keys", "users.excepted_unsigned"), "contract.md 3 Exceptions",
        "例外用户都有签字", "every excepted user was signed", owner="compliance",
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *LIST_RULES,
    *_GATE.again(ACCOUNT_RULES),
    *_GATE.again(WHOLE_RULES),
    *_GATE.again(BATCH_RULES),
)
