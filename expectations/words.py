"""The gates' words in both languages: stages, owners, outcomes, and what is said around them."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

STAGES_ZH: Final[dict[str, str]] = {
    "preflight": "迁移前检查",
    "identities": "身份合并",
    "accounts": "批量开户",
    "reopen": "补开户",
    "listings.sample": "标的抽样",
    "listings.full": "标的全量",
    "listings": "标的登记",
    "debts.sample": "债权抽样",
    "debts.full": "债权全量",
    "debts": "债权登记",
    "residual": "存量余额",
    "reconcile.bank": "银行回读",
    "reconcile": "最终对账",
    "sign-off": "签收",
}
OWNERS_ZH: Final[dict[str, str]] = {
    "engineering": "技术",
    "operations": "运营",
    "compliance": "合规",
    "bank desk": "银行对接",
}
SEVERITIES_ZH: Final[dict[str, str]] = {"blocking": "阻断", "warning": "警告", "info": "提示"}

WORDS: Final[dict[str, dict[str, str]]] = {
    "zh": {
        "html_lang": "zh-CN",
        "title": "关口检查",
        "round": "第 {} 轮",
        "open": "关口已开",
        "shut": "关口关闭",
        "unsure": "关口关闭：有检查未能进行",
        "passed": "通过",
        "failed": "未通过",
        "noted": "有提示",
        "not_checked": "未能检查",
        "blocks": "阻断",
        "owner": "责任",
        "clause": "依据",
        "rule": "规则",
        "severity": "级别",
        "entity": "对象",
        "observed": "实测",
        "expected": "应为",
        "keys": "失败的主键",
        "more": "等，共 {} 项",
        "all": "全部规则",
        "failing": "需要处理",
        "items": "{} 项",
        "difference": "两数不等",
        "privacy": "本页只含数量、合计与主键，不含个人信息。",
        "none": "没有需要处理的规则。",
        "stands": "全部 {} 条规则已检查：{} 条通过，{} 条提示或警告。",
    },
    "en": {
        "html_lang": "en",
        "title": "Gate checks",
        "round": "round {}",
        "open": "The gate is open",
        "shut": "The gate is shut",
        "unsure": "The gate is shut: a check could not be made",
        "passed": "passed",
        "failed": "failed",
        "noted": "noted",
        "not_checked": "not checked",
        "blocks": "blocks",
        "owner": "owner",
        "clause": "clause",
        "rule": "rule",
        "severity": "severity",
        "entity": "of",
        "observed": "observed",
        "expected": "expected",
        "keys": "failing keys",
        "more": "and more, {} in all",
        "all": "All rules",
        "failing": "To be dealt with",
        "items": "{} found",
        "difference": "the two differ",
        "privacy": "This page holds counts, totals and keys only, no personal data.",
        "none": "No rule needs attention.",
        "stands": "{} rules judged: {} passed, {} noted or warned of.",
    },
}


def stage_name(stage: str, language: Language) -> str:
    """A stage or gate as people say it."""
    return STAGES_ZH.get(stage, stage) if language == "zh" else stage


def owner_name(owner: str, language: Language) -> str:
    """Who mends it."""
    return OWNERS_ZH.get(owner, owner) if language == "zh" else owner


def severity_name(severity: str, language: Language) -> str:
    """How much it weighs."""
    return SEVERITIES_ZH.get(severity, severity) if language == "zh" else severity
