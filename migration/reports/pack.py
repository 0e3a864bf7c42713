"""`cutover report`: the pack that compliance signs, one document in several forms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from migration.domain.errors import ConfigurationError
from migration.domain.findings import Finding
from migration.reports import codes, page
from migration.reports.document import Document, Fact, Tile
from migration.reports.material import Material
from migration.reports.sections import rules, sections
from migration.reports.sections.balance import fen
from migration.reports.texts import count, moment, yuan
from migration.reports.words import COVER, DRAWING, KINDS, of

LANGUAGES: Final = ("zh", "en")
KIND_NAMES: Final = tuple(KINDS)


def write(material: Material, out: Path, language: str) -> Path:
    """Write `<out>/cutover-<id>-<kind>-<language>.html` (0600, in a folder of 0700) and return its place."""
    place = out / f"cutover-{material.cutover_id}-{material.kind}-{language}.html"
    text = page.render(build(material, language))
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        making = place.with_suffix(".part")
        making.touch(mode=0o600)
        making.write_text(text, encoding="utf-8")
        making.replace(place)
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise ConfigurationError(
            Finding("OUT_FOLDER", out.name, f"cannot be written: {reason}", "another --out")
        ) from fault
    return place


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
        words={name: pair[language == "en"] for name, pair in DRAWING.items()},
    )


def verdict(material: Material) -> str:
    """`complete`, `incomplete`, or `broken`: something does not agree."""
    found = material.verification
    drilled = material.drill or {"findings": 0, "off_fen": 0}
    wrong = bool(found["differences"] or found["planted_unseen"] or material.chain["breaks"])
    wrong |= bool(drilled["findings"] or drilled["off_fen"])
    if wrong or (material.done and material.balance["difference_fen"] != 0):
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
        say["said_waiting"].format(codes.say(codes.STAGES, record.stage, language), record.reasons[0])
        for record in material.stages
        if not material.done and record.state != "done" and record.reasons
    ]
    return [money, verified, ruled, *waiting]


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
