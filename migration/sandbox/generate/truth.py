"""What was planted, by hazard: the means to judge a run over a generated platform and to sign what must be signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .hazards import LISTING_TRAPS, USER_TRAPS
from .market import MISSING_LISTING, MISSING_USER
from .plan import Plan


class Truth:
    """Collects (hazard, entity, key, what); `as_dict` is what `--truth FILE` holds."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._planted: dict[str, list[dict[str, str]]] = {}
        for trap, index in _traps(plan.user_trap):
            for key in plan.user_keys(index):
                self.add(USER_TRAPS[trap].hazard, "users", key, USER_TRAPS[trap].name)
        for trap, index in _traps(plan.listing_trap):
            for key, place in zip(plan.listing_keys(index), index.tolist(), strict=True):
                self._listing(LISTING_TRAPS[trap].name, LISTING_TRAPS[trap].hazard, key, place)

    def add(self, hazard: str, entity: str, key: str, what: str) -> None:
        """Record one planted trap."""
        self._planted.setdefault(hazard, []).append({"entity": entity, "key": key, "what": what})

    def _listing(self, trap: str, hazard: str, key: str, place: int) -> None:
        offset = {"debt_without_listing": 2}.get(trap, 1)
        if trap in {
            "debt_without_user", "debt_without_listing", "acquired_on_impossible_date", "self_loan", "platform_lender",
            "debt_of_nothing", "interest_only", "finished_debt_left_open",
        }:  # fmt: skip
            debt = self._plan.debt_keys(self._plan.first_debt[place : place + 1] + offset)[0]
            self.add(hazard, "debts", debt, trap)
        else:
            self.add(hazard, "listings", key, trap)

    def as_dict(self) -> dict[str, Any]:
        """Plain data: sizes, what was planted, what keeps preflight shut, what the bank should be told to do."""
        shut = [item for hazard in ("H25", "H27") for item in self._planted.get(hazard, [])]
        return {
            "seed": self._plan.seed,
            "business_date": self._plan.business_date.isoformat(),
            "hazards": sorted(self._plan.hazards, key=lambda name: int(name[1:])),
            "planted": self._planted,
            "sign_at_preflight": shut,
            "missing_keys": {"users": MISSING_USER, "listings": MISSING_LISTING} if "H25" in self._planted else {},
            "bank_faults": self._bank_faults(),
            "late_change": self._late_change(),
        }

    def _bank_faults(self) -> dict[str, Any]:
        """H11-H13 happen at the bank: they are written as its fault plan, not into the legacy tables."""
        faults: dict[str, Any] = {}
        if others := [item["key"] for item in self._planted.get("H12", [])]:
            faults["already_open_other"] = others
        if "H11" in self._plan.hazards:
            faults["corrupt"] = [{"match": "APPZX.*", "how": how, "times": 1} for how in ("echo", "missing", "double")]
        if "H13" in self._plan.hazards:
            faults.setdefault("corrupt", []).append({"match": "APPZX.*", "how": "account", "times": 1})
        return faults

    def _late_change(self) -> str | None:
        """H28: the statement that changes the legacy side once the snapshot was taken (a repayment of one fen)."""
        if "H28" not in self._plan.hazards:
            return None
        key = self._plan.debt_keys(np.zeros(1, dtype=np.int64))[0]
        return f"UPDATE debts SET principal = '0.01', interest = '0.00' WHERE debt_id = '{key}'"

    def write(self, path: Path) -> None:
        """As JSON, UTF-8."""
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _traps(array: np.ndarray[Any, Any]) -> list[tuple[int, np.ndarray[Any, Any]]]:
    return [(int(code) - 1, np.flatnonzero(array == code)) for code in np.unique(array) if code]
