"""The verifier's verbs: `verify` for people and the report, `counts` for the last gate."""

from __future__ import annotations

from typing import Final

from migration.verification.chinese import NOT_SEEN
from migration.verification.evidence import Check, Evidence, Exchanged, Finding, Plant, Verification
from migration.verification.library import SPECS, Failing, survey
from migration.verification.planted import Proof
from migration.verification.spec import Spec
from migration.verification.workbench import Workbench

__all__ = ["Check", "Evidence", "Exchanged", "Finding", "Plant", "Verification", "counts", "verify"]

NAMED: Final = 50
"""At most so many findings of a check are named; `failures` counts all."""


def verify(evidence: Evidence) -> Verification:
    """Compare both sides with the claim, then prove on planted corruptions that the comparison can see."""
    with Workbench(evidence) as bench:
        proof = Proof(bench, evidence)
        found = survey(bench, proof.prove)
    checks = tuple(_check(spec, found.failing, found.rows[spec.over]) for spec in SPECS)
    return Verification(checks, proof.plants, evidence.final)


def counts(evidence: Evidence) -> dict[str, int | None]:
    """Measures for the last gate, by id.

    `given.verification.differences` (all failures), `given.verification.planted_unseen` (corruptions not found exactly),
    and `verification.<check>` with the failures of each check.
    """
    found = verify(evidence)
    return {
        "given.verification.differences": found.differences,
        "given.verification.planted_unseen": found.planted_unseen,
        **{f"verification.{check.name}": check.failures for check in found.checks},
    }


def _check(spec: Spec, failing: Failing, rows: int) -> Check:
    keys = failing[spec.name]
    findings = tuple(Finding(spec.code, f"{spec.name}/{key}", spec.title_en) for key in keys[:NAMED])
    unseen = (spec.not_seen, NOT_SEEN[spec.name])
    return Check(spec.name, spec.title_zh, spec.title_en, spec.seen, *unseen, rows, len(keys), findings)
