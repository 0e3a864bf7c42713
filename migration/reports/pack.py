"""`cutover report`: the pack that compliance signs, one document in several forms."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from migration.domain import wording
from migration.reports import codes, figures, page
from migration.reports.document import Document, Fact, Tile
from migration.reports.hand_out import hand_out
from migration.reports.material import Material
from migration.reports.sections import rules, sections, withdrawn
from migration.reports.sections.balance import fen
from migration.reports.texts import count, moment, yuan
from migration.reports.words import COVER, DRAWING, KINDS, of

LANGUAGES: Final = ("zh", "en")
KIND_NAMES: Final = tuple(KINDS)
FORMS: Final = ("html", "xlsx", "pdf", "json")
SUMS: Final = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Pack:
    """Where the pack lies. `sums`: SHA-256 of every pack in the folder, as `sha256sum -c` reads it."""

    html: Path
    xlsx: Path
    pdf: Path
    json: Path
    sums: Path


def write(material: Material, out: Path, language: str) -> Pack:
    """Write `<out>/cutover-<id>-<kind>-<language>` as .html, .xlsx, .pdf and .json (figures), and SHA256SUMS; all 0600.

    ConfigurationError(OUT_FOLDER) when the folder cannot be written: then nothing of it is new.
    """
    from migration.reports import paper, workbook  # noqa: PLC0415 - no other command wants them

    document = build(material, language)
    numbers = figures.as_bytes(material, document)
    document = replace(document, digest=hashlib.sha256(numbers).hexdigest())
    stem = f"cutover-{material.cutover_id}-{material.kind}-{language}"

    def fill(folder: Path) -> None:
        (folder / f"{stem}.json").write_bytes(numbers)
        (folder / f"{stem}.html").write_text(page.render(document), encoding="utf-8")
        (folder / f"{stem}.pdf").write_bytes(paper.render(document))
        workbook.write(document, folder / f"{stem}.xlsx")

    hand_out(out, fill)
    hand_out(out, lambda folder: _sums(out, folder))
    html, xlsx, pdf, json = (out / f"{stem}.{ending}" for ending in FORMS)
    return Pack(html, xlsx, pdf, json, out / SUMS)


def _sums(out: Path, folder: Path) -> None:
    """SHA-256 of every pack that lies in `out`, by name."""
    packs = sorted(place for ending in FORMS for place in out.glob(f"cutover-*.{ending}"))
    lines = [f"{hashlib.sha256(place.read_bytes()).hexdigest()}  {place.name}\n" for place in packs]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def build(material: Material, language: str) -> Document:
    """The whole report, in the reader's language."""
    say = of(language, COVER)
    facts = (
        Fact(say["cutover"], material.cutover_id),
        Fact(say["business_date"], material.business_date.isoformat()),
        Fact(say["made"], moment(material.made_at)),
    )
    said = verdict(material)
    return Document(
        language=language,
        title=say["title"],
        subtitle=say["subtitle"],
        cutover_id=material.cutover_id,
        kind=material.kind,
        kind_name=say[material.kind],
        verdict=said,
        conclusion=say[said],
        reasons=_reasons(material, say, language),
        facts=facts,
        tiles=_tiles(material, say),
        sections=sections(material, language),
        made_at=material.made_at,
        words=_drawing(material, language),
    )


def _drawing(material: Material, language: str) -> dict[str, str]:
    """What the drawings say themselves; a rehearsal keeps its mark, whatever kind of report is asked for."""
    words = {name: pair[language == "en"] for name, pair in DRAWING.items()}
    return words | ({"mark_production": words["mark_rehearsal"]} if material.only_rehearsed else {})


def verdict(material: Material) -> str:
    """`complete`, `incomplete`, or `broken`: something does not agree."""
    found = material.verification
    drilled = material.drill or {"findings": 0, "off_fen": 0}
    wrong = bool(found["differences"] or found["planted_unseen"] or material.chain["breaks"])
    wrong |= bool(drilled["findings"] or drilled["off_fen"])
    wrong |= material.withdrawn is not None and withdrawn.open_accounts(material.withdrawn).num_rows > 0
    agrees = all(control.agrees for control in (*material.controls, *material.disclosed))
    if wrong or (material.done and (material.balance["difference_fen"] != 0 or not agrees)):
        return "broken"
    return "complete" if material.done else "incomplete"


def _states(material: Material) -> tuple[int, int]:
    """Open and signed exceptions."""
    states = material.exceptions["state"].to_pylist()
    return states.count("open"), states.count("signed")


def _reasons(material: Material, say: Mapping[str, str], language: str) -> list[str]:
    """The verdict in sentences: money, verifier, rules and exceptions; what waits."""
    amounts = [yuan(fen(material, name)) for name in ("legacy", "registered", "excepted", "residual", "in_flight")]
    left = fen(material, "difference")
    money = say["said_left" if left else "said_whole"].format(*amounts, yuan(left))
    found: Mapping[str, object] = material.verification
    checks = found["checks"]
    number = len(checks) if isinstance(checks, list | tuple) else 0
    breaks = material.chain["breaks"]
    verified = say["said_verified"].format(
        number, found["differences"], found["planted"], found["planted_unseen"], breaks
    )
    judged = sum(len(gate.latest) for gate in rules.judged(material))
    exceptions = _states(material)
    ruled = say["said_rules"].format(
        count(judged), count(len(rules.not_passed(material))), *(count(number) for number in exceptions)
    )
    waiting = [
        say["said_waiting"].format(codes.say(wording.STAGES, record.stage, language), record.reasons[0])
        for record in material.stages
        if not material.done and record.state != "done" and record.reasons
    ]
    return [*([say["said_rehearsed"]] if material.only_rehearsed else []), money, verified, ruled, *waiting]


def _tiles(material: Material, say: Mapping[str, str]) -> list[Tile]:
    """The figures that one looks at first."""
    open_, signed = _states(material)
    zero = {
        "difference": fen(material, "difference"),
        "verified_count": int(str(material.verification["differences"])),
        "rules_count": len(rules.not_passed(material)),
        "open_count": open_,
    }
    tiles = [
        Tile(say[name], value, "fen" if name == "difference" else "count", "bad" if value else "good")
        for name, value in zero.items()
    ]
    return [*tiles, Tile(say["signed_count"], signed)]
