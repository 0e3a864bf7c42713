"""Words of the report: (Chinese, English) by id. What one section alone says stands in its module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Pair = tuple[str, str]

KINDS: Final[dict[str, Pair]] = {
    "sit": ("系统集成测试 SIT", "System integration test"),
    "uat": ("用户验收测试 UAT", "User acceptance test"),
    "rehearsal": ("演练", "Rehearsal"),
    "production": ("生产", "Production"),
}
"""The kinds of a report."""

COVER: Final[dict[str, Pair]] = {
    "title": ("银行资金存管迁移报告", "Custody cutover report"),
    "subtitle": ("存量用户、标的、债权整体迁移", "All users, listings and debts, moved at once"),
    "cutover": ("迁移编号", "Cutover"),
    "business_date": ("银行会计日期", "Business date"),
    "made": ("编制时间（北京时间）", "Made at (UTC+8)"),
    "complete": ("迁移完成，账实相符", "Complete, and it balances"),
    "incomplete": ("迁移尚未完成", "Not complete yet"),
    "broken": ("存在差异，不得签署", "There are differences: not to be signed"),
    "open_count": ("未处理例外", "Open exceptions"),
    "signed_count": ("签字例外", "Signed exceptions"),
    "verified_count": ("独立核对差异", "Verifier's differences"),
    "rules_count": ("规则未通过", "Rules not passed"),
    "said_whole": (
        "存量 {0} 元全部有去向：已登记 {1}，签字例外 {2}，遗留余额 {3}，在途充值 {4}，差额 {5}。",
        "All {0} yuan are accounted for: {1} registered, {2} excepted, {3} residual, {4} top-ups in flight, {5} left over.",
    ),
    "said_left": (
        "存量 {0} 元：已登记 {1}，签字例外 {2}，遗留余额 {3}，在途充值 {4}，尚有 {5} 元没有去向。",
        "Of {0} yuan {1} are registered, {2} excepted, {3} residual, {4} top-ups in flight; {5} are not accounted for.",
    ),
    "said_verified": (
        "独立核对 {0} 项，差异 {1}；植入错误 {2} 种，未发现 {3} 种；日志断链 {4} 处。",
        "{0} independent checks, {1} differences; {2} kinds of corruption planted, {3} unseen; {4} breaks of the journal.",
    ),
    "said_rules": (
        "关口规则 {0} 条次，阻断且未通过 {1}；未处理例外 {2}，签字例外 {3}。",
        "{0} rules judged at the gates, {1} blocking ones not passed; {2} exceptions open, {3} signed.",
    ),
    "said_rehearsed": (
        "注意：本次迁移的配置为演练（cutover.kind），不是生产运行。",
        "Mind: this cutover is configured as a rehearsal (cutover.kind); it was no production run.",
    ),
    "said_waiting": ("阶段 {0} 未完成：{1}", "Stage {0} is not done: {1}"),
}
"""The first page."""

DRAWING: Final[dict[str, Pair]] = {
    "contents": ("目录", "Contents"),
    "conclusion": ("结论", "Conclusion"),
    "confidential": ("内部资料。个人信息已脱敏：仅出现编号。", "Internal. Personal data is masked: only ids appear."),
    "digest": ("摘要", "Digest"),
    "page": ("第 {0} 页 共 {1} 页", "Page {0} of {1}"),
    "more": (
        "另有 {0} 行未列出，全部见同名工作簿。",
        "{0} more rows are not listed here; the workbook of the same name has them all.",
    ),
    "yuan": ("元", "yuan"),
    "yes": ("是", "yes"),
    "sheet": ("工作表", "Sheet"),
    "continued": ("续", "continued"),
    "as_text": (
        "金额单位为元；电子表格只保留 15 位数字，更大的金额以文本列示，以免失真。",
        "Amounts are in yuan; a spreadsheet keeps 15 digits, so larger ones stand as text.",
    ),
    "mark_sit": ("测试", "TEST"),
    "mark_uat": ("测试", "TEST"),
    "mark_rehearsal": ("演练", "REHEARSAL"),
    "mark_production": ("", ""),
}
"""What page, workbook and print say themselves."""

COMMON: Final[dict[str, Pair]] = {
    "legacy": ("存量合计", "Legacy"),
    "registered": ("已登记债权", "Registered"),
    "excepted": ("签字例外", "Excepted"),
    "residual": ("遗留余额", "Residual"),
    "in_flight": ("在途充值", "In flight"),
    "difference": ("差额", "Difference"),
    "before": ("迁移前", "Before"),
    "after": ("迁移后", "After"),
    "entity": ("对象", "Entity"),
    "what": ("项目", "Item"),
    "rows": ("笔数", "Rows"),
    "sum": ("金额（元）", "Sum (yuan)"),
    "total": ("合计", "Total"),
    "agrees": ("一致", "agrees"),
    "differs": ("不一致", "differs"),
    "disposition": ("去向", "Disposition"),
    "cause": ("原因", "Cause"),
    "key": ("编号", "Key"),
    "code": ("代码", "Code"),
    "state": ("状态", "State"),
    "stage": ("阶段", "Stage"),
    "round": ("轮次", "Round"),
    "kind": ("类别", "Kind"),
    "result": ("结果", "Result"),
    "reason": ("理由", "Reason"),
    "signer": ("签字人", "Signer"),
    "position": ("仓位（元）", "Position (yuan)"),
    "gate": ("关口", "Gate"),
    "digest": ("摘要", "Digest"),
    "who": ("人员", "Who"),
    "when": ("时间", "When"),
    "as_rehearsal": ("演练代签", "rehearsal"),
    "revoked": ("已失权", "right revoked"),
    "none": ("无", "None"),
}
"""What several sections say."""


def of(language: str, *own: Mapping[str, Pair]) -> dict[str, str]:
    """The common words, the kinds and a section's own in one language (`zh` or `en`); its own come first."""
    found: dict[str, str] = {}
    for words in (KINDS, COMMON, *own):
        found |= {name: pair[language == "en"] for name, pair in words.items()}
    return found
