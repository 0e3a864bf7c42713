"""The pre-flight assessment as one HTML page that needs no network and no script, in Chinese or English."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2

from migration.reports.texts import yuan

WORDS: Final[dict[str, dict[str, str]]] = {
    "zh": {
        "lang": "zh-CN",
        "title": "切换前评估",
        "go": "可以切换",
        "care": "可以切换，例外较多",
        "wait": "等待：须先修正或签字",
        "no_go": "不可切换",
        "go_line": "没有阻断项，未结例外在阈值内。",
        "care_line": "没有阻断项，但未结例外超过阈值，请先看下表。",
        "wait_line": "孤儿行或不可能的日期须在源库修正，或逐笔签字。",
        "no_go_line": "须先在源库修正，再运行一次。",
        "stop": "阻断",
        "hold": "等待",
        "exception": "例外",
        "warning": "提示",
        "info": "知悉",
        "later": "银行结果后才有",
        "rehearsal": "演练",
        "production": "正式",
        "none_found": "未出现",
        "hazards": "风险 H1–H28",
        "hazard": "风险",
        "weight": "程度",
        "count": "行数",
        "before": "上次",
        "keys": "编号",
        "counts": "控制总数",
        "entity": "实体",
        "rows": "行数",
        "hash": "主键校验和",
        "sums": "金额合计（元）",
        "amount": "金额",
        "profile": "空值与不同值",
        "column": "列",
        "nulls": "空值",
        "distinct": "不同值",
        "schedules": "还款计划与公式的差异（仅提示）",
        "estimate": "预计文件与时间",
        "kind": "种类",
        "files": "文件",
        "sample": "抽样至少",
        "ours": "本系统",
        "bank": "银行",
        "whole": "合计",
        "time": "预计用时",
        "settled": "等待项已签字",
        "basis": "时间按演练 {0}（{1} 行，银行结果 {2} 个文件）的实测用时按比例推算，不含重新开户轮次与人工审批。",
        "no_basis": "没有演练用时，因此不估计时间：先完整演练一次，或以 cutover.figures 指定演练的 figures.json。",
        "per_file": "每个文件最多 {0} 行。",
        "warnings": "数据提示（不影响切换）",
        "no_warnings": "没有提示。",
        "SEX_DIFFERS": "性别与身份证第 17 位不符，按身份证报送",
        "ID_REGION_UNKNOWN": "身份证前两位不是现行省份代码",
        "DATE_UNUSED": "不参与判断的日期不可能存在",
        "ELECTION_INVALID": "用户选择无效，按策略决定",
        "ELECTION_TIE": "同一时刻选择多个账户，按策略决定",
        "more": "等 {0} 行",
        "date": "营业日",
        "snapshot": "快照",
        "taken": "采集时间",
        "codes": "停止原因",
        "exceptions": "未结例外",
        "limit": "阈值：阻断 {0}，等待 {1}，例外每千行 {2}。",
        "persons": "个人开户",
        "companies": "对公开户",
        "listings": "标的",
        "debts": "债权",
        "minutes": "{0} 分钟",
        "under": "不足一分钟",
        "first": "首次评估，没有可比的上次结果。",
        "nothing": "没有差异。",
    },
    "en": {
        "lang": "en",
        "title": "Pre-flight assessment",
        "go": "Go",
        "care": "Go with care: many exceptions",
        "wait": "Wait: mend or sign first",
        "no_go": "No go",
        "go_line": "Nothing stops the run, and open exceptions are within the threshold.",
        "care_line": "Nothing stops the run, but open exceptions are above the threshold: look at the table first.",
        "wait_line": "Orphaned rows or impossible dates must be mended at the source or signed one by one.",
        "no_go_line": "Mend the source first, then run again.",
        "stop": "stops",
        "hold": "waits",
        "exception": "exception",
        "warning": "warning",
        "info": "for information",
        "later": "only with the bank's results",
        "rehearsal": "rehearsal",
        "production": "production",
        "none_found": "not met",
        "hazards": "Hazards H1–H28",
        "hazard": "Hazard",
        "weight": "Weight",
        "count": "Rows",
        "before": "Last time",
        "keys": "Keys",
        "counts": "Control totals",
        "entity": "Entity",
        "rows": "Rows",
        "hash": "Hash total of keys",
        "sums": "Sums (yuan)",
        "amount": "Amount",
        "profile": "NULL and distinct values",
        "column": "Column",
        "nulls": "NULL",
        "distinct": "Distinct",
        "schedules": "Stored schedules that differ from the formula (warnings)",
        "estimate": "Files and time to expect",
        "kind": "Kind",
        "files": "Files",
        "sample": "Sample at least",
        "ours": "Ours",
        "bank": "The bank's",
        "whole": "Together",
        "time": "Time to expect",
        "settled": "waits, signed",
        "basis": "Time in proportion to what rehearsal {0} took ({1} rows, {2} results of the bank); "
        "without re-opening rounds and people's approvals.",
        "no_basis": "There are no figures of a rehearsal, so no time is estimated: rehearse once to the end, "
        "or name a rehearsal's figures.json under cutover.figures.",
        "per_file": "At most {0} rows a file.",
        "warnings": "Warnings about the data (they stop nothing)",
        "no_warnings": "No warnings.",
        "SEX_DIFFERS": "sex differs from the ID number, which is sent",
        "ID_REGION_UNKNOWN": "ID number of no province known today",
        "DATE_UNUSED": "impossible date in a column that decides nothing",
        "ELECTION_INVALID": "election that does not count: the policy decides",
        "ELECTION_TIE": "several accounts chosen at one instant: the policy decides",
        "more": "of {0}",
        "date": "Business date",
        "snapshot": "Snapshot",
        "taken": "Taken at",
        "codes": "Stopped by",
        "exceptions": "Open exceptions",
        "limit": "Thresholds: stops {0}, waits {1}, exceptions {2} in 1,000 rows.",
        "persons": "Accounts, persons",
        "companies": "Accounts, companies",
        "listings": "Listings",
        "debts": "Debts",
        "minutes": "{0} min",
        "under": "under a minute",
        "first": "The first assessment: there is none to compare with.",
        "nothing": "No differences.",
    },
}
TITLES: Final[dict[str, tuple[str, str]]] = {
    "H1": ("一个身份证，多个手机号", "one ID, several phones"),
    "H2": ("一个手机号，多个身份证", "one phone, several IDs"),
    "H3": ("15 位与 18 位身份证", "15-digit IDs"),
    "H4": ("小写 x、空格、全角数字", "lower-case x, spaces, full-width digits"),
    "H5": ("校验位、撤销的行政区、未来出生", "check digit, region unknown, born in the future"),
    "H6": ("未满 18 岁", "under 18"),
    "H7": ("GBK 不能编码的字符", "characters that GBK lacks"),
    "H8": ("姓名或标题超过 60 字节", "names or titles over 60 bytes"),
    "H9": ("性别错误或缺失", "sex wrong or missing"),
    "H10": ("编号以零开头", "ids with leading zeros"),
    "H11": ("结果文件行缺失、重复、不符", "result lines missing, doubled, different"),
    "H12": ("FLAG N 属于他人", "flag N of somebody else's account"),
    "H13": ("成功但账号无效或重号", "success without a valid account number"),
    "H14": ("企业缺对公账户或证件号错误", "companies without a bank account or with a wrong code"),
    "H15": ("借款人等无账户；自借自投", "parties without an account; lenders to themselves"),
    "H16": ("标的编号过长或仅大小写不同", "listing numbers too long, or alike but for case"),
    "H17": ("零头、已结标的上的债权、差一分", "remainders, debts of closed listings, cents apart"),
    "H18": ("逾期标的", "overdue listings"),
    "H19": ("未放款标的，在途投标与转让", "listings not lent, bids and assignments in flight"),
    "H20": ("加息待收", "bonus interest owed"),
    "H21": ("平台账户为当事方", "platform accounts as parties"),
    "H22": ("担保人持有债权（代偿）", "debts held by the guarantor (advances)"),
    "H23": ("在途充值与提现", "top-ups and withdrawals in flight"),
    "H24": ("无效金额", "amounts that are no amounts"),
    "H25": ("孤儿行", "orphaned rows"),
    "H26": ("主键重复", "doubled keys"),
    "H27": ("不可能的日期", "impossible dates"),
    "H28": ("快照后有变动", "changed after the snapshot"),
}  # fmt: skip
_ORDER: Final = ("stop", "hold", "exception", "warning", "info", "later")
SHOWN: Final = 12
_MINUTE: Final = 60


def page(figures: dict[str, Any], language: str) -> str:
    """The page; `figures` as `stages.assessment.assess` gives them, with `before` for comparison."""
    words = WORDS[language]
    before = figures.get("before") or {}
    hazards = [_hazard(name, figures, before, language) for name in _ordered(figures)]
    return _template().render(
        words=words,
        figures=figures,
        shade={"go": "", "care": "unsure", "wait": "unsure", "no_go": "shut"}[figures["verdict"]],
        hazards=[h for h in hazards if h["count"] or h["before"]],
        absent=[h for h in hazards if not h["count"] and not h["before"]],
        weights=[(_shade(w, figures, figures["weights"][w]), figures["weights"][w]) for w in _ORDER[:-1]],
        counts=[
            (entity, rows, (before.get("counts") or {}).get(entity), figures["hash_totals"][entity])
            for entity, rows in figures["counts"].items()
        ],
        sums=[
            (name, yuan(amount), _yuan((before.get("sums_fen") or {}).get(name)))
            for name, amount in figures["sums_fen"].items()
        ],
        estimate=figures["estimate"],
        minutes={name: _time(seconds, words) for name, seconds in (figures["estimate"]["seconds"] or {}).items()},
        basis=_basis(figures["estimate"], words),
        compared=bool(before),
    )


def _ordered(figures: dict[str, Any]) -> list[str]:
    """What weighs most and is there comes first; what is not there last."""

    def place(name: str) -> tuple[bool, int, int]:
        hazard = figures["hazards"][name]
        return (not hazard["count"], _ORDER.index(hazard["weight"]), int(name[1:]))

    return sorted(figures["hazards"], key=place)


def _hazard(name: str, figures: dict[str, Any], before: dict[str, Any], language: str) -> dict[str, Any]:
    hazard = figures["hazards"][name]
    shown = hazard["keys"][:SHOWN]
    count = hazard["count"]
    return {
        "id": name,
        "title": TITLES[name][0 if language == "zh" else 1],
        "weight": _shade(hazard["weight"], figures, count),
        "count": count,
        "before": (before.get("hazards") or {}).get(name),
        "shown": shown,
        "more": WORDS[language]["more"].format(f"{count:,}") if count and count > len(shown) else "",
    }


def _shade(weight: str, figures: dict[str, Any], count: int | None) -> str:
    """The weight; what held preflight has been signed once it has passed."""
    return "settled" if count and weight == "hold" and figures["verdict"] in {"go", "care"} else weight


def _yuan(amount: int | None) -> str:
    return "–" if amount is None else yuan(amount)


def _basis(estimate: dict[str, Any], words: dict[str, str]) -> str:
    """What the estimate rests on."""
    figures = estimate["basis"]
    if not figures:
        return words["no_basis"]
    rows = f"{sum(figures['rows'].values()):,}"
    return words["basis"].format(figures["cutover"], rows, f"{figures['bank']['files']:,}")


def _time(seconds: int, words: dict[str, str]) -> str:
    return words["under"] if seconds < _MINUTE else words["minutes"].format(f"{-(-seconds // _MINUTE):,}")


@cache
def _template() -> jinja2.Template:
    folder = resources.files("migration.reports") / "templates"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((folder / "assessment.html.j2").read_text(encoding="utf-8"))
