"""A rule of a gate, as data: what is looked at, what must hold, who mends it and what stays shut until then.

Rules look at *measures*: exact integers that an independent query computed (migration/stages/measures.py). This module
imports nothing heavy: rules are read while commands start and reports are written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migration.domain.values import Severity

Kind = Literal["zero", "keys", "equal", "at_most", "at_least"]
Owner = Literal["engineering", "operations", "compliance", "bank desk"]
Unit = Literal["rows", "fen", "per mille"]

KINDS: Final[dict[str, str]] = {
    "zero": "the measure is 0",
    "keys": "no key fails; failing keys are named",
    "equal": "two measures are equal",
    "at_most": "the measure is at most the threshold",
    "at_least": "the measure is at least the threshold",
}
# Great Expectations compares with a bound as a float, which is exact only below this: no threshold may reach it.
EXACT_BOUND: Final = 2**53


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `blocks` names the stage or gate that stays shut when it fails; empty for rules that block nothing.

    An id means one rule wherever it is judged; a rule judged at several gates differs only in `stage` and `blocks`.
    `clause` is where it comes from (document and section). `measure` is looked at; `other` is what it must equal
    (kind `equal`); `threshold` bounds it (`at_most`, `at_least`). ValueError when these do not fit together.
    """

    id: str
    stage: str
    entity: str
    kind: Kind
    measure: str
    clause: str
    owner: Owner
    blocks: str
    title_zh: str
    title_en: str
    severity: Severity = "blocking"
    other: str = ""
    threshold: int = 0
    unit: Unit = "rows"

    def __post_init__(self) -> None:
        if (self.kind == "equal") != bool(self.other):
            raise ValueError(f"{self.id}: a second measure belongs to kind equal, and only to it")
        if self.threshold and self.kind not in {"at_most", "at_least"}:
            raise ValueError(f"{self.id}: a threshold belongs to at_most and at_least only")
        if not 0 <= self.threshold < EXACT_BOUND:
            raise ValueError(f"{self.id}: the threshold must be exact as a float, and not negative")
        if (self.severity == "blocking") != bool(self.blocks):
            raise ValueError(f"{self.id}: what blocks must say what stays shut, and nothing else may")

    @property
    def relation(self) -> str:
        """How what is observed must stand to what is expected."""
        return {"at_most": "≤", "at_least": "≥"}.get(self.kind, "=")

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures it looks at."""
        return (self.measure, self.other) if self.other else (self.measure,)


@dataclass(frozen=True, slots=True)
class Gate:
    """Writes the rules of one gate: what they share is said once."""

    stage: str
    prefix: str
    blocks: str
    owner: Owner = "engineering"

    def rule(
        self,
        number: int,
        entity: str,
        check: tuple[Kind, str] | tuple[Kind, str, str | int],
        clause: str,
        title_zh: str,
        title_en: str,
        *,
        severity: Severity = "blocking",
        owner: Owner | None = None,
        unit: Unit = "rows",
    ) -> Rule:
        """One rule; `check` is (kind, measure), (kind, measure, other measure) or (kind, measure, threshold)."""
        kind, measure, *rest = check
        beside = rest[0] if rest else None
        return Rule(
            id=f"{self.prefix}-{number:03d}",
            stage=self.stage,
            entity=entity,
            kind=kind,
            measure=measure,
            clause=clause,
            owner=owner or self.owner,
            blocks=self.blocks if severity == "blocking" else "",
            title_zh=title_zh,
            title_en=title_en,
            severity=severity,
            other=beside if isinstance(beside, str) else "",
            threshold=beside if isinstance(beside, int) else 0,
            unit=unit,
        )

    def again(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        """Rules of an earlier gate judged at this one too: the same ids, shutting what this gate shuts."""
        return tuple(
            replace(rule, stage=self.stage, blocks=self.blocks if rule.severity == "blocking" else "") for rule in rules
        )
