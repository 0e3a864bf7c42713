"""A check as data: a query whose first column names what is wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spec:
    """One check. `over`: the table whose rows it looks at. `sql` yields one key a failure; none when all is well.

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

    @property
    def code(self) -> str:
        """The stable code of its findings."""
        return "VERIFY_" + self.name.upper().replace(".", "_")


def one_row(entity: str, key: str, title_zh: str) -> Spec:
    """Every legacy row stands in the claim exactly once, and nothing else does."""
    return Spec(
        f"{entity}.rows", title_zh, f"every legacy row of {entity} has exactly one row in the outcome",
        "rows lost, doubled or invented, also where they are missing on both sides of a file's edge",
        "whether what stands in the row is right",
        f"c_{entity}",
        f"""
        SELECT key FROM (
            SELECT {key} AS key, 1 AS legacy, 0 AS claimed FROM s_{_SOURCE.get(entity, entity)}
            UNION ALL SELECT {key}, 0, 1 FROM c_{entity}
        ) GROUP BY key HAVING sum(legacy) <> 1 OR sum(claimed) <> 1""",
    )  # fmt: skip


_SOURCE = {"residuals": "escrow_accounts"}
