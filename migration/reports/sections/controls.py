"""Control totals (控制总数) of each entity and of the disclosed figures (披露指标): count, sum, hash total, on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from migration.reports import codes, totals
from migration.reports.document import Column, Mark, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("控制总数", "Control totals"),
    "lead": (
        "迁移前后分别独立计算；哈希总数为每行主键与金额的 SHA-256 前 8 字节之和（模 2^64）。",
        "Worked out on each side; hash total: sum (mod 2^64) of the first 8 bytes of SHA-256 over each row's keys and amounts.",
    ),
    "disclosed": ("披露指标", "Disclosed figures"),
    "figures_note": (
        "未结债权本金；迁移后为已登记与已签例外之和。代偿：由该标的担保人持有的债权（逾期政策：{0}）。",
        "Principal of open debts; after: registered or signed. Advances: held by the listing's guarantor (policy: {0}).",
    ),
    "outstanding": ("借贷余额", "Outstanding principal"),
    "overdue": ("其中逾期金额", "of it overdue"),
    "advanced": ("其中代偿", "of it guarantor advances"),
    "side": ("时点", "Side"),
    "hash": ("哈希总数", "Hash total"),
}


def build(material: Material, language: str) -> Section:
    """Both tables; two rows an entity."""
    say = of(language, WORDS)
    entities = [(codes.say(codes.ENTITIES, found.name, language), found) for found in material.controls]
    figures = [(say[found.name], found) for found in material.disclosed]
    note = say["figures_note"].format(codes.say(codes.OVERDUE, material.scope.overdue, language))
    return Section("controls", say["title"], [
        Paragraph(say["lead"], lead=True),
        _table(say, say["entity"], entities),
        _table(say, say["what"], figures, say["disclosed"], note),
    ])  # fmt: skip


def _table(
    say: Mapping[str, str], what: str, found: Iterable[tuple[str, totals.Control]], title: str = "", note: str = ""
) -> Table:
    columns = (Column(what, weight=18), Column(say["side"], weight=8), Column(say["rows"], "count"), Column(say["sum"], "fen"),
               Column(say["hash"], "code", 18), Column("", "mark"))  # fmt: skip
    rows: list[Row] = []
    for name, control in found:
        mark = Mark(f"✔ {say['agrees']}", "good") if control.agrees else Mark(f"✖ {say['differs']}", "bad")
        for side, word, first in ((control.legacy, say["before"], True), (control.outcome, say["after"], False)):
            rows.append((name if first else "", word, side.rows, side.fen, side.hash_total, mark if first else None))
    return Table(columns, rows, title, note)
