"""The one list of stages and of the steps within each. Light: imported while DAGs are parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One converging step of a stage. `mapped`: runs once a batch."""

    name: str
    mapped: bool = False


STAGES: Final = ("preflight", "identities", "accounts", "reopen", "listings", "debts", "residual", "reconcile")
"""The stages in order (contract.md section 3)."""

ROUNDS: Final = "rounds"
"""Pseudo stage between debts and residual: drives the further rounds until no exception is open."""

_EXCHANGE: Final = (
    Step("plan"),
    Step("approve"),
    Step("deliver", mapped=True),
    Step("collect", mapped=True),
    Step("gate"),
)
_SAMPLED: Final = (
    Step("plan_sample"),
    Step("approve_sample"),
    Step("deliver_sample", mapped=True),
    Step("collect_sample", mapped=True),
    Step("plan_full"),
    Step("approve_full"),
    Step("deliver_full", mapped=True),
    Step("collect_full", mapped=True),
    Step("gate"),
)
STEPS: Final[dict[str, tuple[Step, ...]]] = {
    "preflight": (Step("run"),),
    "identities": (Step("run"),),
    "accounts": _EXCHANGE,
    "reopen": _EXCHANGE,
    "listings": _SAMPLED,
    "debts": _SAMPLED,
    ROUNDS: (Step("settle"),),
    "residual": (Step("run"),),
    "reconcile": (Step("run"), Step("approve"), Step("finish")),
}
"""Stage -> steps, in order. Every step reads the journal, takes the next legal step and stops; all are safe to repeat."""
