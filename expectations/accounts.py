"""The gate after accounts: who was sent is answered, who is opened has a number of his own (domain.md, Cohorts 5)."""

from __future__ import annotations

from typing import Final

from expectations import identities
from expectations.exchange import BATCH_RULES
from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="accounts", prefix="ACC", blocks="reopen")
_OPEN: Final = "domain.md Cohorts 5"
_ANSWER: Final = "bank-interface.md 2"

ACCOUNT_RULES: Final[tuple[Rule, ...]] = (
    _GATE.rule(
        1, "users", ("keys", "accounts.persons_unanswered"), _ANSWER,
        "发出的个人全部有应答", "every person sent is answered", owner="bank desk",
    ),
    _GATE.rule(
        2, "users", ("keys", "accounts.companies_unanswered"), _ANSWER,
        "发出的企业全部有应答", "every company sent is answered", severity="info", owner="bank desk",
    ),
    _GATE.rule(
        3, "users", ("keys", "accounts.unknown_outcome"), "reliability.md R4",
        "开户没有结果未知", "no opening has an unknown outcome", severity="warning", owner="bank desk",
    ),
    _GATE.rule(
        4, "users", ("equal", "accounts.opened", "accounts.ok_items"), _OPEN,
        "已开户人数等于成功应答数", "as many are opened as were answered with success",
    ),
    _GATE.rule(
        5, "users", ("keys", "accounts.opened_and_answer_differ"), _OPEN,
        "已开户者与成功应答一一对应", "who is opened has a successful answer, and the other way round",
    ),
    _GATE.rule(
        6, "users", ("keys", "accounts.differs_from_answer"), "contract.md 4 users",
        "账号、激活状态与应答一致，其余无账号", "number and activation are those of the answer, others have none",
    ),
    _GATE.rule(
        7, "users", ("keys", "accounts.number_malformed"), "domain.md H13",
        "账号位数、前缀、校验位正确", "account numbers have the right length, prefix and check digit",
        owner="bank desk",
    ),
    _GATE.rule(
        8, "users", ("keys", "accounts.number_shared"), "domain.md H13",
        "一个账号只属于一个用户", "no account number belongs to two users", owner="bank desk",
    ),
    _GATE.rule(
        9, "users", ("keys", "accounts.sent_wrongly"), "domain.md Cohorts 1, 2",
        "平台账户与被合并者未送开户", "no platform account and no merged user is sent",
    ),
    _GATE.rule(
        10, "users", ("keys", "accounts.kind_mixed"), _OPEN,
        "个人与企业分文件", "persons and companies go in separate files",
    ),
    _GATE.rule(
        11, "users", ("keys", "accounts.refused_without_code"), _ANSWER,
        "被拒者均有原因码", "every refusal has its code",
    ),
    _GATE.rule(
        12, "users", ("at_most", "accounts.refused_permille", 200), "domain.md Cohorts 6",
        "被拒比例不超过 200‰", "at most 200 in a thousand are refused",
        severity="warning", owner="operations", unit="per mille",
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (
    *ACCOUNT_RULES,
    *_GATE.again(identities.WHOLE_RULES),
    *_GATE.again(BATCH_RULES),
)
