"""One line that says in both languages (中文 / English) why a task stopped or waits; no personal data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cutover_flow.names import STAGE_WORDS, step_words

if TYPE_CHECKING:
    from migration.domain.errors import CutoverError
    from migration.domain.findings import Finding

SHOWN: Final = 3
"""So many findings go into the line; the rest is counted."""

_KINDS: Final[dict[str, tuple[str, str]]] = {
    "GateClosed": ("闸门关闭", "gate closed"),
    "InputRefused": ("输入被拒", "input refused"),
    "ConfigurationError": ("配置有误", "configuration wrong"),
    "OutcomeUnknown": ("结果不明，须查询，不可重送", "outcome unknown, ask, never send again"),
    "CouldNotCheck": ("无法核对，按不通过处理", "could not be checked, which counts as failure"),
    "Waiting": ("等待", "waiting"),
    "TransientError": ("暂时故障，将重试", "passing fault, will be tried again"),
    "StaleFence": ("已被另一次运行接管，将重试", "another run took over, will be tried again"),
}

_CODES: Final[dict[str, str]] = {
    "ANSWERS_INCOMPLETE": "结果行数不齐",
    "APPROVAL_MISSING": "尚缺审批",
    "BATCH_STATE": "批次状态不符",
    "DELIVERY_DIGEST": "送行内容与审批摘要不符",
    "EXCEPTION_OPEN": "例外未处理或未签署",
    "FENCE_LOST": "已被另一次运行接管",
    "FIELD_INVALID": "字段不合规",
    "GATE_NOT_APPROVED": "尚未批准",
    "JOURNAL_BUSY": "日志库忙",
    "JOURNAL_FULL": "日志库磁盘已满",
    "JOURNAL_INVARIANT": "日志库不变式被破坏",
    "JOURNAL_UNAVAILABLE": "日志库不可用",
    "MERGE_SUM_DIFFERS": "合并前后待收不等",
    "NOT_SENT": "已编批而未送行",
    "ORPHAN": "孤儿数据",
    "OUTCOME_UNKNOWN": "银行处理结果不明",
    "OVERDUE": "逾期债权未结",
    "PREFLIGHT_FINDINGS": "预检有阻断项",
    "REJECTED": "审批被驳回",
    "REQUEST_CONFLICT": "同名请求文件内容不同",
    "RESULT_CONTRADICTS": "同名结果文件内容不同",
    "RESULT_MISSING": "银行结果文件未到",
    "RESULT_QUARANTINED": "结果文件已隔离",
    "SAMPLE_FAILED": "抽样未通过，全量未送",
    "SEAL_CONFLICT": "封存内容前后不一",
    "SFTP_AUTH": "银行服务器拒绝登录",
    "SFTP_HOST_KEY": "银行主机密钥与约定不符",
    "SFTP_KEY_FILE": "本方私钥文件不可用",
    "SFTP_LOST": "与银行的连接中断",
    "SFTP_SLOW": "与银行传输超时",
    "SFTP_UNREACHABLE": "银行服务器不可达",
    "SNAPSHOT_CHANGED": "快照后旧库有变动",
    "STAGE_ORDER": "阶段次序不符",
}
"""What stable codes mean in Chinese; a code that is not here stands for itself (docs explain each)."""

_RULE: Final = re.compile(r"[A-Z]+(-[A-Z]+)?-[0-9]+")
"""Ids of rules: their findings say all there is to say in Chinese, ` / `, then in English."""


def place(stage: str, step: str) -> tuple[str, str]:
    """Say where in the cutover, in both languages."""
    of, words = STAGE_WORDS[stage], step_words(step)
    return f"{of.zh}·{words.zh}", f"{of.en} / {words.en}"


def kind(error: CutoverError) -> tuple[str, str]:
    """Say what sort of stop it is, by the error's class."""
    for cls in type(error).__mro__:
        if cls.__name__ in _KINDS:
            return _KINDS[cls.__name__]
    return ("停止", "stopped")


def codes(error: CutoverError) -> list[str]:
    """List the stable codes, each once, in order."""
    return list(dict.fromkeys(finding.code for finding in error.reasons))


def line(stage: str, step: str, error: CutoverError) -> str:
    """Put the whole reason on one line, Chinese first."""
    zh_place, en_place = place(stage, step)
    zh_kind, en_kind = kind(error)
    shown = [_both(finding) for finding in error.reasons[:SHOWN]]
    zh, en = "；".join(zh for zh, _ in shown) or "—", "; ".join(en for _, en in shown) or "—"
    more = len(error.reasons) - len(shown)
    zh_more, en_more = (f"；另有 {more} 项", f"; and {more} more") if more else ("", "")
    return f"{zh_place}：{zh_kind}：{zh}{zh_more} / {en_place}: {en_kind}: {en}{en_more}"


def due(error: CutoverError) -> str:
    """Say when what is awaited can be there, in both languages; nothing where that is not known."""
    from migration.domain.windows import clock_time  # noqa: PLC0415 - as the errors: never while DAGs are parsed

    until = getattr(error, "until", None)
    return (
        f"；银行批次时段：最早 {clock_time(until)}（北京时间）/ bank's hours: not before that (Beijing)"
        if until
        else ""
    )


def _both(finding: Finding) -> tuple[str, str]:
    """Say one finding in Chinese and in English, each with the code and the key."""
    english = " ".join(str(finding).split())
    if _RULE.fullmatch(finding.code):
        chinese, _, _ = finding.detail.partition(" / ")
        title, colon, found = chinese.partition("：")
        return f"{title}[{finding.code}] {finding.subject}{colon}{found}", english.replace(f"{chinese} / ", "", 1)
    title = "银行拒绝" if finding.code.startswith("BANK_") else _CODES.get(finding.code, "")
    return f"{title}[{finding.code}] {finding.subject}", english
