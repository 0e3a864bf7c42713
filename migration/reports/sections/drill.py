"""The settlement drill (清偿演练): what was migrated is paid off at the rehearsal's bank, to the fen, each code once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from migration.domain.settlement import REFUSALS, SIDES
from migration.reports.document import Block, Column, Mark, Paragraph, Row, Section, Table, Tile, Tiles
from migration.reports.material import Material
from migration.reports.texts import yuan
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("清偿演练", "Settlement drill"),
    "lead": (
        "第 {0} 次演练：在沙箱银行用已存账号与授权码清偿全部已登记债权。",
        "Drill {0}: at the sandbox bank every registered debt was paid off with the stored accounts and codes.",
    ),
    "sources": (
        "应付额只由快照与合并关系算出，实收额取自银行账。",
        "What is due comes from the snapshot and the merges alone, what was received from the bank's ledger.",
    ),
    "twice_bonus": (
        "每个授权码再用一次，须被拒绝。加息 {0} 元由平台支付，不在内。",
        " Each code was used a second time and had to be refused. Bonus interest of {0} yuan is the platform's and not in it.",
    ),
    "off": ("差额", "Off"),
    "refused": ("被拒授权码", "Codes refused"),
    "twice": ("重复受理", "Codes accepted twice"),
    "paid": ("已清偿债权", "Debts paid off"),
    "sum": ("本金与利息", "Principal and interest"),
    "side": ("按", "By"),
    "lenders": ("出借人", "Lender"),
    "borrowers": ("借款人", "Borrower"),
    "listings": ("标的", "Listing"),
    "number": ("个数", "How many"),
    "differ": ("不符", "Off"),
    "due": ("应付", "Due"),
    "received": ("实收", "Received"),
    "reasons": ("被拒原因", "Why codes were refused"),
    "reason": ("原因", "Reason"),
    "debts": ("债权", "Debts"),
    "findings": ("问题明细", "Findings"),
    "seen": ("记录", "As recorded"),
    "DRILL_REFUSED": ("银行拒绝还款", "the repayment was refused"),
    "DRILL_LEFT": ("银行账上仍有本金", "principal is left at the bank"),
    "DRILL_TWICE": ("授权码第二次未被拒绝", "the second use was not refused"),
    "DRILL_BALANCE": ("银行账与应答不符", "the bank's ledger differs from its answers"),
    "DRILL_SUM": ("指令与快照应付不符", "ordered beside what the snapshot owes"),
}


def build(material: Material, language: str) -> Section | None:
    """The last drill that was settled; none: no section (what was not tested says so)."""
    if material.drill is None:
        return None
    done: Mapping[str, Any] = material.drill
    say = of(language, WORDS)
    blocks: list[Block] = [
        Paragraph(say["lead"].format(done["drill"]), lead=True),
        Paragraph(f"{say['sources']}{say['twice_bonus'].format(yuan(done['bonus_fen']))}"),
        Tiles(_tiles(done, say)),
        _sides(done, say),
    ]
    if done["refused"]:
        rows: list[Row] = [(REFUSALS[why][language == "en"], number) for why, number in done["refused"].items()]
        blocks.append(Table((Column(say["reason"], weight=40), Column(say["debts"], "count")), rows, say["reasons"]))
    if done["named"]:
        columns = (Column(say["code"], "code", 18), Column(say["key"], "code", 24), Column(say["findings"], weight=24),
                   Column(say["seen"], weight=40))  # fmt: skip
        named: list[Row] = [(f["code"], f["subject"], say[f["code"]], f["detail"]) for f in done["named"]]
        blocks.append(Table(columns, named, say["findings"]))
    return Section("drill", say["title"], blocks)


def _tiles(done: Mapping[str, Any], say: Mapping[str, str]) -> list[Tile]:
    zero = {"off": done["off_fen"], "refused": done["debts"] - done["paid"], "twice": done["second_uses_accepted"]}
    return [
        *(Tile(say[n], v, "fen" if n == "off" else "count", "bad" if v else "good") for n, v in zero.items()),
        Tile(say["paid"], done["paid"]),
        Tile(say["sum"], done["paid_fen"], "fen"),
    ]


def _sides(done: Mapping[str, Any], say: Mapping[str, str]) -> Table:
    """Lenders, borrowers, listings, debts: how many, how many are off, what was due and received."""
    due = done["due_fen"]
    rows: list[Row] = [
        (say[side], done[side], wrong, due, done[f"{side}_fen"], _mark(wrong or due - done[f"{side}_fen"]))
        for side, wrong in ((side, done["off"][side]["rows"]) for side in SIDES)
    ]
    total = (
        say["debts"],
        done["debts"],
        done["debts"] - done["paid"],
        due,
        done["paid_fen"],
        _mark(done["off_fen"]),
    )
    columns = (Column(say["side"], weight=20), Column(say["number"], "count"), Column(say["differ"], "count"),
               Column(say["due"], "fen"), Column(say["received"], "fen"), Column("", "mark", 4))  # fmt: skip
    return Table(columns, [*rows, total], total=True)


def _mark(wrong: int) -> Mark:
    return Mark("✖", "bad") if wrong else Mark("✔", "good")
