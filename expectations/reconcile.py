"""The last gate: the balance equation, the books against the bank, the evidence (domain.md, Order and gates 8)."""

from __future__ import annotations

from typing import Final

from expectations import accounts, debts, identities, listings, reopen, residual
from expectations.exchange import BATCH_RULES
from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="reconcile", prefix="REC", blocks="sign-off", owner="compliance")
_EIGHT: Final = "domain.md Order and gates 8"
_BALANCE: Final = "contract.md 4 balance.json"

_EQUATION: Final = (
    _GATE.rule(
        1, "balance", ("equal", "balance.accounted_fen", "balance.legacy_fen"), _BALANCE,
        "登记＋例外＋余额＋在途等于快照",
        "registered, excepted, residual and in flight make up the snapshot", unit="fen",
    ),
    _GATE.rule(
        2, "listings", ("keys", "balance.listing_differs"), _BALANCE, "每个标的差额为零", "no listing has a difference"
    ),
    _GATE.rule(3, "users", ("keys", "balance.person_differs"), _BALANCE, "每人差额为零", "no person has a difference"),
    _GATE.rule(
        4, "debts", ("equal", "balance.accounted_interest", "balance.legacy_interest"), _BALANCE,
        "待收利息合计不变", "outstanding interest is unchanged", unit="fen",
    ),
    _GATE.rule(
        5, "debts", ("equal", "balance.accounted_bonus_interest", "balance.legacy_bonus_interest"), "domain.md H20",
        "加息合计不变", "bonus interest is unchanged", unit="fen",
    ),
)  # fmt: skip
_ANSWERED: Final = (
    _GATE.rule(
        10, "batches", ("keys", "batches.not_applied"), _EIGHT,
        "所有批次已入账", "every batch is applied", owner="bank desk",
    ),
    _GATE.rule(
        11, "items", ("keys", "items.open"), _EIGHT, "没有未应答明细", "no item is unanswered", owner="bank desk"
    ),
    _GATE.rule(
        12, "items", ("keys", "items.unknown_unsigned"), "reliability.md R4",
        "没有结果未知且未签字的明细", "no item of unknown outcome is unsigned", owner="bank desk",
    ),
)  # fmt: skip
_EVIDENCE: Final = (
    _GATE.rule(
        20, "verification", ("zero", "given.verification.planted_unseen"), "reliability.md Corruptions",
        "独立核对器能看见所有植入的错误", "the verifier sees every planted corruption", owner="engineering",
    ),
    _GATE.rule(
        21, "verification", ("zero", "given.verification.differences"), _EIGHT,
        "独立核对没有差异", "the independent verification finds no difference",
    ),
    _GATE.rule(
        22, "journal", ("zero", "given.journal.chain_breaks"), "reliability.md I6",
        "日志哈希链完整", "the journal's hash chain verifies", owner="engineering",
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *_EQUATION,
    *_ANSWERED,
    *_EVIDENCE,
    *_GATE.again(identities.WHOLE_RULES),
    *_GATE.again(identities.RECEIVABLE_RULES),
    *_GATE.again(accounts.ACCOUNT_RULES[3:8]),
    *_GATE.again(reopen.LIST_RULES[3:]),
    *_GATE.again(listings.WHOLE_RULES),
    *_GATE.again(listings.ANSWERED_RULES),
    *_GATE.again(debts.WHOLE_RULES),
    *_GATE.again(debts.ANSWERED_RULES),
    *_GATE.again(residual.BALANCE_RULES),
    *_GATE.again(residual.SETTLED_RULES),
    *_GATE.again(BATCH_RULES),
)
