"""Old authorisations (授权): what became of them, by kind and reason."""

from __future__ import annotations

from typing import Final

from migration.reports import codes
from migration.reports.document import Column, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.sections.dispositions import counted
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("旧授权", "Old authorisations"),
    "lapse": (
        "旧授权不迁移：全部失效，需用户在银行重新授权。",
        "Old authorisations are not carried over: all lapse until their users consent anew at the bank.",
    ),
    "carried": (
        "旧授权随债权报送银行；银行未接受者失效，原因见下。",
        "Old authorisations are sent to the bank after the debts; what it does not take lapses for the reason below.",
    ),
    "authorisation_kind": ("授权种类", "Authorisation"),
}


def build(material: Material, language: str) -> Section | None:
    """Counts; nothing where the source has none."""
    say, table = of(language, WORDS), material.claim["authorisations"]
    if not table.num_rows:
        return None
    rows: list[Row] = [
        (
            codes.say(codes.AUTHORISATIONS, row["kind"], language),
            codes.say(codes.DISPOSITIONS, row["disposition"], language),
            material.why("authorisations", row["reason"], language),
            row["rows"],
        )
        for row in counted(table, ["kind", "disposition", "reason"], "")
    ]
    columns = (Column(say["authorisation_kind"], weight=14), Column(say["disposition"], weight=14),
               Column(say["cause"], weight=36), Column(say["rows"], "count"))  # fmt: skip
    lead = say["carried" if material.scope.carry_authorisations else "lapse"]
    return Section("authorisations", say["title"], [Paragraph(lead, lead=True), Table(columns, rows)])
