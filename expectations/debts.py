"""The gates of debts: the sample, and the whole (domain.md, Order and gates 6 and Debts in detail)."""

from __future__ import annotations

from typing import Final

from expectations.exchange import BATCH_RULES, answer_rules, sample_rules
from expectations.identities import RECEIVABLE_RULES
from expectations.rules import Gate, Rule

_SAMPLE: Final = Gate(stage="debts.sample", prefix="DSM", blocks="debts.full")
_GATE: Final = Gate(stage="debts", prefix="DBT", blocks="residual")
_ONE: Final = "reliability.md I3"
_SIX: Final = "domain.md Order and gates 6"
_DETAIL: Final = "domain.md Debts in detail"

SAMPLE_RULES: Final[tuple[Rule, ...]] = (*sample_rules("debts", "DSM", "债权"), *_SAMPLE.again(BATCH_RULES))

WHOLE_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        1, "debts", ("keys", "debts.not_once"), _ONE,
        "每笔债权恰有一条处置", "every debt has exactly one disposition",
    ),
    _GATE.rule(
        2, "debts", ("equal", "book.debts.disposed", "debts.rows"), _ONE,
        "各处置合计等于债权数", "the dispositions add up to the debts",
    ),
)  # fmt: skip
_CONSERVED: Final = (
    _GATE.rule(
        3, "debts", ("equal", "debts.accounted_fen", "debts.legacy_fen"), _SIX,
        "登记＋例外＋受阻＋待定本金等于未结本金",
        "registered, excepted, blocked and pending make up the open principal", unit="fen",
    ),
    _GATE.rule(
        4, "listings", ("keys", "debts.listing_not_conserved"), "reliability.md I2",
        "每个标的的本金、利息不变", "each listing's principal and interest are unchanged",
    ),
    _GATE.rule(
        5, "users", ("keys", "debts.lender_not_conserved"), _SIX,
        "每个出借人的本金不变", "each lender's principal is unchanged",
    ),
    _GATE.rule(
        6, "debts", ("keys", "debts.amount_differs"), _DETAIL,
        "每笔本金、利息、加息与快照一致", "each debt's principal, interest and bonus are those of the snapshot",
    ),
    _GATE.rule(
        7, "debts", ("keys", "debts.listing_sum_mismatch"), _DETAIL,
        "债权合计不等于未还本金的标的，债权不登记",
        "no debt is registered where a listing's debts miss its outstanding",
    ),
)  # fmt: skip
ANSWERED_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        10, "debts", ("equal", "debts.registered_fen", "debts.answered_fen"), _SIX,
        "登记本金合计等于成功应答合计", "registered principal adds up to what was answered", unit="fen",
    ),
    _GATE.rule(
        11, "debts", ("keys", "debts.registered_and_answer_differ"), _SIX,
        "登记债权与成功应答一一对应", "registered debts and successful answers are the same, amount and batch",
    ),
    _GATE.rule(
        12, "debts", ("keys", "debts.authcode_wrong"), "bank-interface.md 4",
        "登记债权各有应答的授权码，其余没有", "every registered debt has the code of its answer, no other has one",
    ),
)  # fmt: skip
_PLACED: Final = (
    ("debts.lender_or_listing_differs", "contract.md 4 debts",
     "原出借人与标的未变", "lender and listing are those of the snapshot"),
    ("debts.registered_account_differs", "bank-interface.md 9",
     "登记账号是持有人自己的账号", "the account registered is the holder's own"),
    ("debts.self_loan", "domain.md Merging identities",
     "没有登记自己借给自己", "nobody is registered as his own lender"),
    ("debts.platform_holder", "domain.md H21", "平台账户不持有登记债权", "no platform account holds a registered debt"),
    ("debts.listing_not_registered", "bank-interface.md 4",
     "登记债权的标的已登记", "a registered debt's listing is registered"),
    ("debts.open_and_registered_differ", "domain.md Cohorts",
     "只登记有本金的未结债权，且一笔不漏", "only open debts with principal are registered, and none is passed over"),
    ("debts.overdue_without_consent", _DETAIL,
     "逾期债权须有同意的展期", "an overdue debt is registered only with a consented date"),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *WHOLE_RULES,
    *_CONSERVED,
    *ANSWERED_RULES,
    *(
        _GATE.rule(20 + n, "debts", ("keys", measure), clause, zh, en)
        for n, (measure, clause, zh, en) in enumerate(_PLACED)
    ),
    _GATE.rule(
        40, "debts", ("keys", "debts.account_differs"), "contract.md 4 Cells",
        "持有人有账号的均已填写", "the holder's account is shown whenever he has one", severity="warning",
    ),
    _GATE.rule(
        41, "debts", ("keys", "debts.excepted_unsigned"), "contract.md 3 Exceptions",
        "例外债权都有签字依据", "every excepted debt rests on a signature", severity="warning", owner="compliance",
    ),
    _GATE.rule(
        42, "debts", ("keys", "debts.undecided"), _SIX,
        "没有待定债权", "no debt is undecided", severity="info", owner="operations",
    ),
    *answer_rules(_GATE, "debts", "债权"),
    *_GATE.again(SAMPLE_RULES[1:2]),
    *_GATE.again(RECEIVABLE_RULES),
    *_GATE.again(BATCH_RULES),
)  # fmt: skip
