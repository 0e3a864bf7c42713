"""What the transports keep in the workspace, wherever the files travel: quarantined results with notes, manifests.

<workspace>/quarantine/<result name>[.N]       with <the same>.json beside it
<workspace>/manifests/<name>.json
"""

from __future__ import annotations

import hashlib
import json
from itertools import count
from typing import TYPE_CHECKING, Final

from migration.bank import disk
from migration.bank.names import allowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from migration.domain.findings import Finding

SETTLED_AFTER_S: Final = 2.0
"""A result that was written to less than this ago may still be growing."""


class Keeping:
    """Our own side of an exchange: private folders (0700) and files (0600) under `workspace`."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def quarantine(self, name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> str:
        """Keep the judged bytes and the note; the same content again finds its old place.

        Returns the place, relative to the workspace.
        """
        place = disk.folder(self._workspace, "quarantine")
        kept = _free_name(place / name, content)
        disk.replace(kept, content)
        note = json.dumps(note_of(name, business_date, content, reasons), ensure_ascii=False, indent=2) + "\n"
        disk.replace(place / f"{kept.name}.json", note.encode())
        return f"quarantine/{kept.name}"

    def manifest(self, name: str, facts: Mapping[str, object]) -> None:
        """Write the manifest of a file sent or received, keys sorted."""
        allowed(name, None)
        with disk.translated(name):
            place = disk.folder(self._workspace, "manifests")
            disk.replace(place / f"{name}.json", manifest_text(facts).encode())


def manifest_digests(workspace: Path) -> dict[str, str]:
    """SHA-256 of every manifest that is kept, by the name of the file it tells of."""
    found = sorted((workspace / "manifests").glob("*.json"))
    return {place.name.removesuffix(".json"): sha256(place.read_bytes()) for place in found}


def note_of(name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> dict[str, object]:
    """Say why a file was quarantined: codes and record numbers, nothing of its content."""
    return {
        "name": name,
        "business_date": business_date.isoformat(),
        "sha256": sha256(content),
        "bytes": len(content),
        "reasons": [{"code": each.code, "subject": each.subject, "detail": each.detail} for each in reasons],
    }


def manifest_text(facts: Mapping[str, object]) -> str:
    """Print a manifest; dates and times in ISO form."""
    return json.dumps(dict(facts), ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n"


def sha256(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def _free_name(wanted: Path, content: bytes) -> Path:
    """`name`, `name.1`, `name.2` ...: the first that is free or holds this content already."""
    for number in count():
        path = wanted.with_name(f"{wanted.name}.{number}") if number else wanted
        standing = disk.read_regular(path)
        if standing is None or standing[0] == content:
            return path
    raise AssertionError  # count() does not end
