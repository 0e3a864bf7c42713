"""The gates' words in both languages: stages, owners, outcomes, and what is said around them."""

from __future__ import annotations

from typing import Final, Literal

from migration.domain.wording import CLAUSES, OWNERS, STAGES, said

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

SEVERITIES_ZH: Final[dict[str, str]] = {"blocking": "阻断", "warning": "警告", "info": "提示"}
ENTITIES_ZH: Final[dict[str, str]] = {
    "snapshot": "快照",
    "users": "用户",
    "accounts": "账户",
    "escrow_accounts": "托管账户",
    "listings": "标的",
    "schedules": "还款计划",
    "debts": "债权",
    "residuals": "遗留余额",
    "authorisations": "授权",
    "in_flight": "在途",
    "exceptions": "例外",
    "batches": "批次",
    "items": "明细",
    "balance": "平衡式",
    "verification": "独立核对",
    "journal": "日志",
}

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
    """A stage or gate as people say it; in English its id, which is what commands take."""
    return said(STAGES, stage, language) if language == "zh" else stage


def owner_name(owner: str, language: Language) -> str:
    """Who mends it."""
    return said(OWNERS, owner, language)


def clause_name(clause: str, language: Language) -> str:
    """Where a rule comes from."""
    return said(CLAUSES, clause, language)


def severity_name(severity: str, language: Language) -> str:
    """How much it weighs."""
    return SEVERITIES_ZH.get(severity, severity) if language == "zh" else severity


def entity_name(entity: str, language: Language) -> str:
    """What a rule looks at."""
    return ENTITIES_ZH.get(entity, entity) if language == "zh" else entity
