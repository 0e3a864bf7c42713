"""Identities are merged before the export, so that only the kept account is opened."""

from __future__ import annotations

from migration.stages import freeze, progress
from migration.stages.house import House


def run(house: House) -> None:
    """Judge the merge; again when corrections have come since. Everything is reversible until accounts are sent."""
    progress.require_before(house, "identities", 1)
    if progress.done(house, "identities"):
        return
    progress.start(house, "identities", 1)
    freeze.require_unchanged(house)
    progress.finish(house, "identities", 1)
