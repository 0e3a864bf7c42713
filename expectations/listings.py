"""The gates of listings: the sample, and the whole (domain.md, Order and gates 5)."""

from __future__ import annotations

from typing import Final

from expectations.exchange import BATCH_RULES, answer_rules, sample_rules
from expectations.rules import Gate, Rule

_SAMPLE: Final = Gate(stage="listings.sample", prefix="LSM", blocks="listings.full")
_GATE: Final = Gate(stage="listings", prefix="LST", blocks="debts")
_ONE: Final = "reliability.md I3"
_FIVE: Final = "domain.md Order and gates 5"

SAMPLE_RULES: Final[tuple[Rule, ...]] = (*sample_rules("listings", "LSM", "标的"), *_SAMPLE.again(BATCH_RULES))

WHOLE_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        1, "listings", ("keys", "listings.not_once"), _ONE,
        "每个标的恰有一条处置", "every listing has exactly one disposition",
    ),
    _GATE.rule(
        2, "listings", ("equal", "book.listings.disposed", "listings.rows"), _ONE,
        "各处置合计等于标的数", "the dispositions add up to the listings",
    ),
)  # fmt: skip
ANSWERED_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        3, "listings", ("keys", "listings.registered_and_answer_differ"), _FIVE,
        "已登记标的与成功应答一一对应", "registered listings and successful answers are the same, batch by batch",
    ),
    _GATE.rule(
        4, "listings", ("equal", "listings.registered_fen", "listings.answered_fen"), _FIVE,
        "登记金额合计等于成功应答合计", "registered amounts add up to those answered", unit="fen",
    ),
    _GATE.rule(
        5, "listings", ("keys", "listings.amount_differs"), _FIVE,
        "快照、发送、登记金额一致", "amounts in the snapshot, the file and the book are one",
    ),
    _GATE.rule(
        6, "listings", ("keys", "listings.outstanding_not_kept"), "reliability.md I2",
        "未还本金迁移前后不变", "outstanding principal is unchanged",
    ),
    _GATE.rule(
        7, "listings", ("keys", "listings.borrower_account_differs"), "contract.md 4 listings",
        "借款账户是借款人保留账户的账号", "the borrower's account is that of the kept borrower",
    ),
    _GATE.rule(
        8, "listings", ("keys", "listings.party_without_account"), "domain.md H15",
        "标的各方均已开户", "every party of a registered listing has an account",
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *WHOLE_RULES,
    *ANSWERED_RULES,
    _GATE.rule(
        9, "listings", ("keys", "listings.open_and_sent_differ"), "domain.md Cohorts",
        "只发送未结标的，且一个不漏", "only open listings are sent, and none is passed over",
    ),
    _GATE.rule(
        10, "listings", ("keys", "listings.sent_case_twins"), "domain.md H16",
        "发出的编号忽略大小写后唯一", "numbers sent differ by more than case",
    ),
    _GATE.rule(
        11, "listings", ("keys", "listings.platform_party"), "domain.md H21",
        "登记标的没有平台账户作为一方", "no platform account is party to a registered listing",
    ),
    _GATE.rule(
        12, "listings", ("keys", "listings.excepted_unsigned"), "contract.md 3 Exceptions",
        "例外标的都有签字依据", "every excepted listing rests on a signature", severity="warning", owner="compliance",
    ),
    _GATE.rule(
        13, "listings", ("keys", "listings.undecided"), "domain.md Order and gates 4",
        "没有待定标的", "no listing is undecided", severity="info", owner="operations",
    ),
    *answer_rules(_GATE, "listings", "标的"),
    *_GATE.again(SAMPLE_RULES[1:2]),
    *_GATE.again(BATCH_RULES),
)  # fmt: skip
