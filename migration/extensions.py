"""The source of banks that come with another package: it decides about money as ours does, so approvals are bound to it too."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from migration.bank import profiles
from migration.verification import readers


def sources(profile: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every Python file beside the modules that a profile's entry points name; in a fixed order."""
    groups = (profiles.GROUP, readers.GROUP)
    for module in sorted({entry.module for group in groups for entry in entry_points(group=group, name=profile)}):
        found = find_spec(module)
        if found is None or found.origin is None:
            continue  # loading it says so
        file = Path(found.origin)
        for path in sorted(file.parent.rglob("*.py")) if "." in module else [file]:
            yield f"{module}/{path.name}", path.read_bytes()
