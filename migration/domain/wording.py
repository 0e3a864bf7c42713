"""What stages, owners and clauses are called: (Chinese, English). Gate pages, reports and the terminal all say these."""

from __future__ import annotations

from typing import Final

Pair = tuple[str, str]

STAGES: Final[dict[str, Pair]] = {
    "preflight": ("冻结与预检", "Freeze & pre-flight"),
    "identities": ("身份合并", "Identities"),
    "accounts": ("批量开户", "Accounts"),
    "reopen": ("重新开户", "Re-open"),
    "listings": ("标的登记", "Listings"),
    "debts": ("债权登记", "Debts"),
    "rounds": ("后续轮次", "Further rounds"),
    "residual": ("遗留余额", "Residual balances"),
    "reconcile": ("最终对账", "Final reconciliation"),
    "listings.sample": ("标的抽样", "Listings, sample"),
    "listings.full": ("标的全量", "Listings, full set"),
    "debts.sample": ("债权抽样", "Debts, sample"),
    "debts.full": ("债权全量", "Debts, full set"),
    "reconcile.bank": ("银行回读", "Read-back"),
    "sign-off": ("签署", "Sign-off"),
    "destroy": ("到期销毁", "Destruction"),
    "daily": ("日终对账", "Daily reconciliation"),
    "withdrawals": ("遗留余额日结", "Residual ledger"),
}
"""Stages, the gates within and after them, and what is done every day after the cutover."""

OWNERS: Final[dict[str, Pair]] = {
    "engineering": ("技术", "engineering"),
    "operations": ("运营", "operations"),
    "compliance": ("合规", "compliance"),
    "bank desk": ("银行对接", "bank desk"),
}
"""Who mends what a rule finds."""

CLAUSES: Final[dict[str, Pair]] = {
    "bank-interface.md 1": ("银行接口：批次与记录", "bank interface: names, numbers, records"),
    "bank-interface.md 2": ("银行接口：开户文件", "bank interface: account files"),
    "bank-interface.md 4": ("银行接口：债权文件", "bank interface: debt files"),
    "bank-interface.md 9": ("银行接口：字段取值", "bank interface: what fills each field"),
    "contract.md 2": ("存量数据各列的定义", "the columns of the legacy data"),
    "contract.md 3 Exceptions": ("例外：更正、重送或签字", "exceptions: mended, sent again or signed"),
    "contract.md 4 Cells": ("导出：各列取值", "exports: what the cells say"),
    "contract.md 4 balance.json": ("平衡式", "the balance equation"),
    "contract.md 4 debts": ("导出：债权", "export of debts"),
    "contract.md 4 listings": ("导出：标的", "export of listings"),
    "contract.md 4 residuals": ("导出：遗留余额", "export of residual balances"),
    "contract.md 4 users": ("导出：用户", "export of users"),
    "domain.md Cohorts": ("去向：哪些迁移", "dispositions: what moves"),
    "domain.md Cohorts 1": ("去向 1：平台自有账户", "disposition 1: platform accounts"),
    "domain.md Cohorts 1, 2": ("去向 1、2：平台、被合并", "dispositions 1, 2: platform, merged"),
    "domain.md Cohorts 3": ("去向 3：已销户且无余额", "disposition 3: closed and empty"),
    "domain.md Cohorts 5": ("去向 5：批量开户", "disposition 5: opened by batch"),
    "domain.md Cohorts 6": ("去向 6：被拒", "disposition 6: refused"),
    "domain.md Debts in detail": ("债权、还款计划、逾期", "debts, schedules, what is overdue"),
    "domain.md H13": ("隐患 H13：账号缺失或重复", "hazard H13: account numbers missing or shared"),
    "domain.md H15": ("隐患 H15：当事方没有账户", "hazard H15: a party without an account"),
    "domain.md H16": ("隐患 H16：编号超长或仅大小写不同", "hazard H16: long or similar numbers"),
    "domain.md H17": ("隐患 H17：部分还款与尾差", "hazard H17: partial repayments and residues"),
    "domain.md H19": ("隐患 H19：冻结投标与未放款标的", "hazard H19: frozen bids, listings not lent"),
    "domain.md H20": ("隐患 H20：加息", "hazard H20: bonus interest"),
    "domain.md H21": ("隐患 H21：平台账户为当事方", "hazard H21: the platform as a party"),
    "domain.md H24": ("隐患 H24：金额单位、空值与大额", "hazard H24: units, gaps and large amounts"),
    "domain.md H28": ("隐患 H28：冻结后源库变化", "hazard H28: changes after the freeze"),
    "domain.md Hazards H25, H27": (
        "隐患 H25、H27：孤儿、日期",
        "hazards H25, H27: orphans, dates",
    ),
    "domain.md Merging identities": ("身份合并规则", "merging identities"),
    "domain.md Order and gates 1": ("次序 1：冻结与预检", "order 1: freeze and pre-flight"),
    "domain.md Order and gates 4": ("次序 4：重新开户与例外", "order 4: re-opening and exceptions"),
    "domain.md Order and gates 5": ("次序 5：标的登记", "order 5: listings"),
    "domain.md Order and gates 6": ("次序 6：债权登记", "order 6: debts"),
    "domain.md Order and gates 8": ("次序 8：最终对账", "order 8: final reconciliation"),
    "domain.md Sampling": ("抽样规则", "sampling"),
    "domain.md What stops the whole run at preflight": (
        "预检止步条件",
        "what stops pre-flight",
    ),
    "reliability.md Corruptions": ("核对器必须发现的错误", "corruptions that the verifier must catch"),
    "reliability.md I1": ("不变式 I1：余额守恒", "invariant I1: paid + pending + remaining"),
    "reliability.md I2": ("不变式 I2：未还本息不变", "invariant I2: outstanding unchanged"),
    "reliability.md I3": ("不变式 I3：每项恰有一个去向", "invariant I3: one disposition each"),
    "reliability.md I5": (
        "不变式 I5：入账行有据",
        "invariant I5: each row names its file",
    ),
    "reliability.md I6": ("不变式 I6：日志哈希链成立", "invariant I6: the journal's chain verifies"),
    "reliability.md I8": ("不变式 I8：每人应收不变", "invariant I8: receivables unchanged"),
    "reliability.md R3": ("准则 R3：先记意图，后送文件", "rule R3: the intent before the first byte"),
    "reliability.md R4": ("准则 R4：未知先问", "rule R4: unknown: ask, do not resend"),
    "reliability.md R6, I4": ("准则 R6、I4：一次在途、一次生效", "rules R6, I4: in one open batch, one effect"),
    "reliability.md R10": ("准则 R10：结果整体可信", "rule R10: a result is whole or refused"),
}
"""Where a rule comes from, by the document and section of the specification; docs/rules.md lists them."""


def said(words: dict[str, Pair], word: str, language: str) -> str:
    """The word in a language (`zh` or `en`); an unknown one as it is."""
    pair = words.get(word)
    return word if pair is None else pair[language == "en"]
