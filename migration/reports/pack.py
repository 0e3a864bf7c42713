"""`cutover report`: one HTML file that opens offline and says whether the cutover may be signed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from migration.domain.errors import ConfigurationError
from migration.domain.findings import Finding
from migration.reports import charts, codes, html, redaction, sections, totals, untested
from migration.reports.charts import Step
from migration.reports.material import Material
from migration.reports.texts import count, moment, yuan
from migration.reports.words import words

KINDS: Final = ("sit", "uat", "rehearsal", "production")
LANGUAGES: Final = ("zh", "en")


def write(material: Material, out: Path, language: str) -> Path:
    """Write `<out>/cutover-<id>-<kind>-<language>.html` (0600, in a folder of 0700) and return its place."""
    place = out / f"cutover-{material.cutover_id}-{material.kind}-{language}.html"
    page = html.render("report.html.j2", build(material, language))
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        making = place.with_suffix(".part")
        making.touch(mode=0o600)
        making.write_text(page, encoding="utf-8")
        making.replace(place)
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise ConfigurationError(
            Finding("OUT_FOLDER", out.name, f"cannot be written: {reason}", "another --out")
        ) from fault
    return place


def build(material: Material, language: str) -> dict[str, Any]:
    """Everything the template shows, in the reader's language."""
    said = words(language)
    summary, listed, more = sections.exceptions(material, language)
    return {
        "lang": language,
        "w": said,
        "kind": said[material.kind],
        "cutover_id": material.cutover_id,
        "business_date": material.business_date.isoformat(),
        "made": moment(material.made_at),
        "verdict": verdict(material),
        "tiles": _tiles(material, said),
        "equation": _equation(material, said),
        "chart": _chart(material, said),
        "differing": [len(_list(material.balance[name])) for name in ("listings", "persons")],
        "controls": _controls(material, language),
        "figures": _figures(material, said),
        "overdue_policy": material.scope.overdue,
        "dispositions": sections.dispositions(material, language),
        "stages": sections.stages(material, language),
        "gates": sections.rules(material, language),
        "approvals": sections.approvals(material, language),
        "exceptions": {"summary": summary, "rows": listed, "more": more},
        "merges": sections.merges(material, language),
        "refused": sections.refused(material, language),
        "corrections": _corrections(material),
        "samples": sections.samples(material, language),
        "batches": sections.batches(material, language),
        "residuals": sections.residuals(material),
        "verification": _verification(material, language),
        "untested": untested.untested(material, language),
        "versions": _versions(material),
        "sign_off": [row for row in sections.approvals(material, language) if row["gate"] == "reconcile"],
    }


def verdict(material: Material) -> str:
    """`complete`, `incomplete`, or `broken`: something does not agree."""
    found = material.verification
    wrong = bool(found["differences"] or found["planted_unseen"] or material.chain["breaks"])
    if wrong or (material.done and material.balance["difference_fen"] != 0):
        return "broken"
    return "complete" if material.done else "incomplete"


def _tiles(material: Material, said: Mapping[str, str]) -> list[dict[str, Any]]:
    """The figures that one looks at first; `good` tells the colour."""
    states = material.exceptions["state"]
    open_, signed = (int(pc.sum(pc.equal(states, word)).as_py() or 0) for word in ("open", "signed"))
    difference = int(str(material.balance["difference_fen"]))
    failed, differs = sections.not_passed(material), int(str(material.verification["differences"]))
    return [
        {"name": said["difference"], "value": yuan(difference), "good": difference == 0},
        {"name": said["verified_count"], "value": count(differs), "good": differs == 0},
        {"name": said["rules_count"], "value": count(failed), "good": failed == 0},
        {"name": said["open_count"], "value": count(open_), "good": open_ == 0},
        {"name": said["signed_count"], "value": count(signed), "good": None},
    ]


_PARTS: Final = (
    ("registered", "move"),
    ("excepted", "warn"),
    ("residual", "stay"),
    ("in_flight", "stay"),
)


def _fen(material: Material, name: str) -> int:
    return int(str(material.balance[f"{name}_fen"]))


def _equation(material: Material, said: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = [{"sign": "", "name": said["legacy"], "fen": yuan(_fen(material, "legacy"))}]
    for number, (name, _) in enumerate(_PARTS):
        rows.append({"sign": "＋" if number else "＝", "name": said[name], "fen": yuan(_fen(material, name))})
    return [*rows, {"sign": "＋", "name": said["difference"], "fen": yuan(_fen(material, "difference"))}]


def _chart(material: Material, said: Mapping[str, str]) -> str:
    steps = [Step(said["legacy"], _fen(material, "legacy"), "whole", total=True)]
    steps += [Step(said[name], _fen(material, name), tone) for name, tone in _PARTS]
    difference = _fen(material, "difference")
    return charts.waterfall(
        [*steps, Step(said["difference"], difference, "bad" if difference else "good", total=True)], said["balance"]
    )


def _controls(material: Material, language: str) -> list[dict[str, Any]]:
    return [
        {
            "entity": codes.say(codes.ENTITIES, control.entity, language),
            "agrees": control.agrees,
            "sides": [
                {"rows": count(side.rows), "fen": yuan(side.fen), "hash": side.hash_total}
                for side in (control.legacy, control.outcome)
            ],
        }
        for control in totals.controls(material)
    ]


def _figures(material: Material, said: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": said[figure.name],
            "before": yuan(figure.legacy_fen),
            "after": yuan(figure.outcome_fen),
            "agrees": figure.legacy_fen == figure.outcome_fen,
        }
        for figure in totals.figures(material)
    ]


def _corrections(material: Material) -> dict[str, Any]:
    table = material.corrections
    rows = table.select(["user_id", "field", "reason", "by"]).slice(0, sections.LISTED).to_pylist()
    return {
        "count": count(table.num_rows),
        "users": count(len(pc.unique(table["user_id"]))),
        "rows": [{**row, "reason": redaction.free(row["reason"])} for row in rows],
    }


def _verification(material: Material, language: str) -> dict[str, Any]:
    found: Mapping[str, Any] = material.verification
    title, blind_to = f"title_{language}", f"not_seen_{language}"
    return {
        "planted": found["planted"],
        "unseen": found["planted_unseen"],
        "checks": [
            {**check, "title": check[title], "not_seen": check[blind_to], "rows": count(check["rows"])}
            for check in found["checks"]
        ],
        "plants": [{**plant, "title": plant[title]} for plant in found["plants"]],
    }


def _versions(material: Material) -> list[tuple[str, str]]:
    snapshot = material.snapshot
    return [
        *material.versions.items(),
        ("snapshot", snapshot.digest),
        *((f"snapshot · {entity}", digest) for entity, digest in snapshot.entity_digests.items()),
        (f"journal · {material.chain['events']} events", str(material.chain["head"])),
        ("profile", material.scope.profile),
    ]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
