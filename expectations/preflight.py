"""The gate after preflight: may this snapshot be moved at all (domain.md, Order and gates 1; Hazards)."""

from __future__ import annotations

from typing import Final

from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="preflight", prefix="PRE", blocks="identities", owner="operations")
_STOP: Final = "domain.md What stops the whole run at preflight"
_SHUT: Final = "domain.md Hazards H25, H27"

_ISSUES: Final = (
    ("MONEY_DECIMALS", "多于两位小数的金额", "amounts with more than two decimals"),
    ("MONEY_NULL", "为空的金额", "amounts that are NULL"),
    ("MONEY_NAN", "值为 NaN 或无穷大的金额", "amounts that are NaN or infinite"),
    ("MONEY_NEGATIVE", "负数金额", "negative amounts"),
    ("MONEY_FLOAT", "以浮点数存储的金额", "amounts stored as floats"),
    ("MONEY_FORMAT", "无法识别的金额", "amounts that cannot be read"),
    ("VALUE_NOT_ALLOWED", "超出允许范围的取值", "values outside their enumeration"),
    ("KEY_NULL", "缺主键的行", "rows without a key"),
    ("KEY_DUPLICATE", "重复的主键", "duplicate keys"),
    ("NUMBER_FORMAT", "无法识别的数字", "numbers that cannot be read"),
)

_READING: Final = (
    _GATE.rule(1, "users", ("at_least", "users.rows", 1), "contract.md 2", "快照中有用户", "the snapshot holds users"),
    _GATE.rule(
        2, "escrow_accounts", ("at_least", "escrow.rows", 1), "contract.md 2",
        "快照中有托管账户", "the snapshot holds escrow accounts", severity="warning",
    ),
    _GATE.rule(
        3, "listings", ("at_least", "listings.rows", 1), "contract.md 2",
        "快照中有标的", "the snapshot holds listings", severity="warning",
    ),
    _GATE.rule(
        4, "debts", ("at_least", "debts.rows", 1), "contract.md 2",
        "快照中有债权", "the snapshot holds debts", severity="warning",
    ),
    _GATE.rule(
        5, "snapshot", ("keys", "snapshot.rows_not_recorded"), "reliability.md I3",
        "各表行数与采集时记录一致", "each entity has as many rows as were recorded", owner="engineering",
    ),
    _GATE.rule(
        6, "snapshot", ("zero", "given.snapshot.entities_changed"), "domain.md H28",
        "冻结后重读源库，摘要一致", "read again after the freeze, the source has the same digests",
    ),
)  # fmt: skip

_VALUES: Final = (
    *(
        _GATE.rule(10 + n, "snapshot", ("keys", f"issue.{code}"), _STOP, f"没有{zh}", f"there are no {en}")
        for n, (code, zh, en) in enumerate(_ISSUES)
    ),
    _GATE.rule(
        20, "snapshot", ("keys", "snapshot.keys_bad"), _STOP,
        "独立复核：主键存在且唯一", "counted again: keys are there and unique",
    ),
    _GATE.rule(
        21, "snapshot", ("keys", "snapshot.money_null"), _STOP,
        "独立复核：每个金额都有值", "counted again: every amount has a value",
    ),
    _GATE.rule(
        22, "snapshot", ("keys", "snapshot.money_negative"), _STOP,
        "独立复核：没有负数金额", "counted again: no amount is negative",
    ),
    _GATE.rule(
        23, "snapshot", ("keys", "snapshot.choice_unknown"), "contract.md 2",
        "独立复核：枚举取值合法", "counted again: every enumerated value is allowed",
    ),
    _GATE.rule(
        24, "debts", ("keys", "snapshot.overdue_not_advanced"), "domain.md Debts in detail",
        "代偿政策下，快照中没有逾期未结债权", "under repaid_by_guarantor no overdue debt is open", owner="compliance",
    ),
)  # fmt: skip

_HELD: Final = (
    ("snapshot", "snapshot.orphans", _SHUT, "每行的归属都存在", "whatever a row belongs to exists"),
    ("snapshot", "issue.DATE_INVALID", _SHUT, "没有不可能的日期", "there are no impossible dates"),
    ("listings", "listings.outstanding_differs", "domain.md Debts in detail",
     "未还本金等于未结债权合计", "outstanding principal equals the open debts"),
    ("listings", "listings.case_twins", "domain.md H16",
     "标的编号忽略大小写后唯一", "listing numbers differ by more than case"),
    ("listings", "schedules.sum_differs", "domain.md Debts in detail",
     "还款计划本金合计等于放款额", "a schedule's principal adds up to the amount lent"),
    ("schedules", "schedules.overpaid", "domain.md H17", "没有一期多还", "no period is paid more than it owes"),
    ("listings", "listings.term_differs", "bank-interface.md 9", "期限与起止日一致", "the term agrees with the dates"),
    ("debts", "debts.open_on_closed", "domain.md Cohorts",
     "未结债权都在未结标的上", "open debts stand on open listings"),
    ("in_flight", "in_flight.not_frozen", "contract.md 4 balance.json",
     "在途提现、投标、转让均在冻结额内", "withdrawals, bids and assignments in flight lie inside frozen cash"),
)  # fmt: skip

_NOTED: Final = (
    ("in_flight", "in_flight.listed", "domain.md Order and gates 1", "没有在途业务", "nothing is in flight"),
    ("listings", "listings.not_lent", "domain.md H19", "没有未放款标的", "no listing is still being raised"),
    (
        "snapshot",
        "money.above_int32",
        "domain.md H24",
        "没有超过 21,474,836.47 元的金额",
        "no amount is above 21,474,836.47 yuan",
    ),
    ("snapshot", "issue.VALUE_NULL", "contract.md 2", "必填项均有值", "values that are wanted are there"),
    ("snapshot", "issue.VALUE_INVALID", "contract.md 2", "取值均可识别", "values can be read"),
)

RULES: Final[tuple[Rule, ...]] = (
    *_READING,
    *_VALUES,
    *(
        _GATE.rule(30 + n, entity, ("keys", measure), clause, zh, en, severity="warning")
        for n, (entity, measure, clause, zh, en) in enumerate(_HELD)
    ),
    *(
        _GATE.rule(50 + n, entity, ("keys", measure), clause, zh, en, severity="info")
        for n, (entity, measure, clause, zh, en) in enumerate(_NOTED)
    ),
)
