"""The report's figures alone, as JSON with stable keys: to keep, to compute with, to lay beside those of another run."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from migration.domain.errors import ConfigurationError, CutoverError
from migration.reports.document import Document, Section, Table
from migration.reports.material import Material
from migration.reports.sections.balance import PARTS, fen
from migration.reports.sections.dispositions import MONEY, counted
from migration.reports.sections.files import chain
from migration.reports.sections.rules import judged, outcome
from migration.reports.sections.timings import seconds
from migration.reports.totals import Control

FORM: Final = 1
"""The form of the file; another one is refused when it is laid beside ours."""
_MOST: Final = 64 * 2**20
"""Bytes that are read; a larger file is none of ours."""


def figures(material: Material) -> dict[str, Any]:
    """Counts, sums in fen, seconds, versions, digests."""
    found: Mapping[str, Any] = material.verification
    return {
        "form": FORM,
        "cutover": material.cutover_id,
        "kind": material.kind,
        "business_date": material.business_date.isoformat(),
        "made_at": material.made_at.isoformat(),
        "balance": {
            f"{name}_fen": fen(material, name) for name in ("legacy", *(name for name, _ in PARTS), "difference")
        },
        "controls": {control.name: _sides(control) for control in material.controls},
        "disclosed": {control.name: _sides(control) for control in material.disclosed},
        "dispositions": {entity: _dispositions(material, entity) for entity in MONEY},
        "exceptions": _exceptions(material),
        "merges": {"groups": material.groups.num_rows},
        "corrections": material.corrections.num_rows,
        "notices": {row["kind"]: row["rows"] for row in counted(material.claim["notices"], ["kind"], "")},
        "files": _files(material),
        "rules": {
            f"{gate.stage}#{gate.round}/{rule}": outcome(result)
            for gate in judged(material)
            for rule, result in gate.latest.items()
        },
        "verification": {
            "checks": len(found["checks"]),
            **{name: found[name] for name in ("differences", "planted", "planted_unseen")},
        },
        "seconds": _seconds(material),
        "versions": dict(material.versions),
        "digests": {
            "snapshot": material.snapshot.digest,
            "journal": material.chain["head"],
            "files": next((link.value for link in reversed(chain(material))), ""),
        },
    }


def as_bytes(material: Material, document: Document) -> bytes:
    """The file: the figures, the verdict, and of each section a digest of what it says. Equal content is equal bytes."""
    said = {section.id: digest(section) for section in document.sections}
    found = {**figures(material), "language": document.language, "verdict": document.verdict, "sections": said}
    return (json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n").encode()


def read(place: Path) -> dict[str, Any]:
    """The figures of another report. ConfigurationError(REPORT_COMPARE) when the file is none."""
    try:
        with place.open("rb") as source:
            found = json.loads(source.read(_MOST))
    except (OSError, ValueError, RecursionError) as fault:
        raise _refused(place, "cannot be read as the figures of a report") from fault
    if not isinstance(found, dict) or found.get("form") != FORM:
        raise _refused(place, f"is no figures file of form {FORM}")
    return found


def _refused(place: Path, what: str) -> CutoverError:
    mend = "give the .json that `cutover report` wrote beside the report to compare with"
    return ConfigurationError.of("REPORT_COMPARE", place.name, what, mend)


def digest(section: Section) -> str:
    """SHA-256 of everything a section says, all rows of its lists too."""
    said = hashlib.sha256(repr((section.id, section.title)).encode())
    for block in section.blocks:
        if not isinstance(block, Table):
            said.update(repr(block).encode())
            continue
        said.update(repr((block.title, block.note, [column.title for column in block.columns])).encode())
        for row in block.rows:
            said.update(repr(tuple(row)).encode())
    return said.hexdigest()


def _sides(control: Control) -> dict[str, Any]:
    return {
        name: {"rows": side.rows, "fen": side.fen, "hash_total": side.hash_total}
        for name, side in (("before", control.legacy), ("after", control.outcome))
    }


def _dispositions(material: Material, entity: str) -> dict[str, Any]:
    rows = counted(material.claim[entity], ["disposition"], MONEY[entity])
    return {row["disposition"]: {"rows": row["rows"], "fen": row["fen"]} for row in rows}


def _exceptions(material: Material) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in counted(material.exceptions, ["code", "state"], "amount_fen"):
        found.setdefault(row["code"], {})[row["state"]] = {"rows": row["rows"], "fen": row["fen"]}
    return found


def _files(material: Material) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for batch in material.batches:
        kind = found.setdefault(batch.kind, {"files": 0, "rows": 0, "fen": 0})
        kind["files"] += 1
        kind["rows"] += batch.rows
        kind["fen"] += batch.sum_fen
    return found


def _seconds(material: Material) -> dict[str, int]:
    """By stage, its rounds together."""
    found: Counter[str] = Counter()
    for record in material.stages:
        found[record.stage] += seconds(record)
    return dict(found)
