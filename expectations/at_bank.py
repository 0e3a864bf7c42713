"""What the bank says it holds, when it is asked at the end (domain.md Order and gates 8).

A gate of its own: without a query channel it is not in scope, and the report says so (reliability.md R11).
"""

from __future__ import annotations

from typing import Final

from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="reconcile.bank", prefix="BNK", blocks="sign-off", owner="bank desk")
_EIGHT: Final = "domain.md Order and gates 8"
_HELD: Final = (
    ("accounts", "accounts_missing", "已开账户在银行均可查到", "every opened account is known to the bank"),
    ("accounts", "accounts_differ", "银行账号与户名一致", "the bank's account numbers and names are those answered"),
    ("listings", "listings_missing", "已登记标的在银行均可查到", "every registered listing stands at the bank"),
    ("listings", "listings_differ", "银行标的内容一致", "the bank's listings are as they were registered"),
    ("listings", "listings_extra", "银行没有多出标的", "no other listing stands at the bank"),
    ("debts", "debts_missing", "已登记债权在银行均可查到", "every registered debt stands at the bank"),
    ("debts", "debts_holder", "银行债权归属一致", "the bank's holders of the debts are ours"),
    ("debts", "debts_differ", "银行债权内容一致", "amounts, listings, codes and end dates at the bank are ours"),
    ("debts", "debts_twice", "银行没有重复债权", "no debt stands at the bank twice"),
    ("debts", "debts_extra", "银行没有多出债权", "our accounts hold no other debt at the bank"),
)

RULES: Final[tuple[Rule, ...]] = (
    *(
        _GATE.rule(number, entity, ("zero", f"given.bank.{name}"), _EIGHT, zh, en)
        for number, (entity, name, zh, en) in enumerate(_HELD, 1)
    ),
    _GATE.rule(
        20, "verification", ("zero", "given.bank.blind"), "reliability.md Corruptions",
        "回读核对能看见植入的差错", "the comparison sees every planted change", owner="engineering",
    ),
)  # fmt: skip
