"""Refusals for people and programs: problem details (RFC 9457) with a stable code, in Chinese and English."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import JSONResponse

from migration.withdrawals.values import Refused

PROBLEMS: Final[dict[str, tuple[int, str, str]]] = {
    "TOKEN_MISSING": (401, "请先登录。", "Sign in first."),
    "TOKEN_INVALID": (401, "登录已失效，请重新登录。", "The sign-in is not valid any more: sign in again."),
    "ROLE_WRONG": (403, "没有权限。", "Not allowed for this kind of account."),
    "CSRF_INVALID": (403, "页面已过期，请刷新后再试。", "The page is out of date: reload it and try again."),
    "PATH_UNKNOWN": (404, "没有这个地址。", "There is nothing here."),
    "METHOD_WRONG": (405, "不支持这种请求方式。", "This method is not supported here."),
    "BODY_INVALID": (400, "请求内容有误。", "The request is not well-formed."),
    "BODY_TOO_LARGE": (413, "请求内容过大。", "The request is too large."),
    "IDEMPOTENCY_KEY_MISSING": (400, "缺少 Idempotency-Key。", "The header Idempotency-Key is missing."),
    "IDEMPOTENCY_KEY_REUSED": (
        422,
        "该 Idempotency-Key 已用于另一笔申请。",
        "This Idempotency-Key was used for another request.",
    ),
    "ACCOUNT_UNKNOWN": (404, "没有这个遗留账户。", "There is no such old account."),
    "WITHDRAWAL_UNKNOWN": (404, "没有这笔提现。", "There is no such withdrawal."),
    "WITHDRAWAL_OPEN": (
        409,
        "该账户已有一笔提现在途，请等待其完成。",
        "A withdrawal of this account is under way: wait until it has ended.",
    ),
    "NO_BOUND_CARD": (
        409,
        "该遗留账户未绑定银行卡，请联系客服。",
        "No card is bound to this old account: contact customer service.",
    ),
    "BALANCE_TOO_SMALL": (
        409,
        "余额不足以支付提现金额和手续费。",
        "The balance does not cover the amount and its fee.",
    ),
    "LARGE_VALUE_SHUT": (
        409,
        "大额支付系统现在关闭，请在开放时间再申请，或提现不超过 5 万元。",
        "The large-value system is closed now: ask again when it opens, or withdraw up to 50,000 yuan.",
    ),
    "LARGE_VALUE_LIMIT": (409, "超过大额支付系统的单日限额。", "Above the large-value system's limit of a day."),
    "DAILY_CAP": (409, "今日提现总额已满，请明天再试。", "The day's total is used up: try again tomorrow."),
    "WITHDRAWALS_STOPPED": (
        503,
        "提现暂停，资金安全，请稍后再试。",
        "Withdrawals are paused; the money is safe. Try later.",
    ),
    "SUNSET": (410, "线上提现已截止，请联系客服。", "Withdrawals have ended: contact customer service."),
    "TOO_MANY_REQUESTS": (429, "操作过于频繁，请稍后再试。", "Too many requests: try again shortly."),
    "SERVICE_UNAVAILABLE": (503, "服务暂不可用，请稍后再试。", "The service is not available: try again shortly."),
}
"""Code -> status, Chinese, English."""


def problem(refused: Refused, language: str) -> JSONResponse:
    """Answer with problem+json; `facts` stand beside the code. `title` is in the language asked for."""
    status, chinese, english = PROBLEMS[refused.code]
    content: dict[str, Any] = {
        "type": f"urn:cutover:withdrawals:{refused.code.lower()}",
        "status": status,
        "code": refused.code,
        "title": english if language == "en" else chinese,
        "title_zh": chinese,
        "title_en": english,
        **refused.facts,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - RFC 9110 section 11.6.1
    if status in {429, 503}:
        headers["Retry-After"] = "30"
    return JSONResponse(content, status, headers, media_type="application/problem+json")
