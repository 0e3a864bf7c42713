"""A check as data: a query whose first column names what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Scope = Literal["whole", "debts", "schedules"]
"""What a query is asked of: the tables that are there as a whole, or one window after the other of debts or of schedules."""

WINDOWED: Final = {
    "debts": (
        "s_debts",
        "c_debts",
        "q_debts",
        "a_debts",
        "s_differing",
        "c_differing",
        "debt_requests",
        "debt_answers",
        "booked",
    ),
    "schedules": ("s_schedules", "c_schedules"),
}
"""Tables of which only a window is there; queries of another scope must not name them."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One check. `over`: the table whose rows it looks at. `sql` yields one key a failure; none when all is well.

    `sql` is asked of `scope`; `debts`, where given, is the same question asked of each window of debts besides.

    `seen` says what would be found, `not_seen` what this check cannot know. The query may use $business_date, $policy,
    $pattern, $final and $carried.
    """

    name: str
    title_zh: str
    title_en: str
    seen: str
    not_seen: str
    over: str
    sql: str
    scope: Scope = "whole"
    debts: str = ""

    def asked_of(self, scope: Scope) -> str:
        """Its query for a scope; empty when it asks nothing there."""
        if scope == self.scope:
            return self.sql
        return self.debts if scope == "debts" else ""

    @property
    def code(self) -> str:
        """The stable code of its findings."""
        return "VERIFY_" + self.name.upper().replace(".", "_")


def one_row(entity: str, key: str, title_zh: str) -> Spec:
    """Every legacy row stands in the claim exactly once, and nothing else does."""
    legacy, claimed = (
        ("s_differing", "c_differing") if entity == "debts" else (f"s_{_SOURCE.get(entity, entity)}", f"c_{entity}")
    )
    return Spec(
        f"{entity}.rows", title_zh, f"every legacy row of {entity} has exactly one row in the outcome",
        "rows lost, doubled or invented, also where they are missing on both sides of a file's edge",
        "whether what stands in the row is right",
        f"c_{entity}",
        f"""
        SELECT key FROM (
            SELECT {key} AS key, 1 AS legacy, 0 AS claimed FROM {legacy}
            UNION ALL SELECT {key}, 0, 1 FROM {claimed}
        ) GROUP BY key HAVING sum(legacy) <> 1 OR sum(claimed) <> 1""",
        scope="debts" if entity == "debts" else "whole",
    )  # fmt: skip


_SOURCE = {"residuals": "escrow_accounts"}
