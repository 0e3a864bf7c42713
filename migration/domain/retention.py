"""How long records are kept: five years after the loan contract ends (domain.md, "What compliance signs"). Pure.

A contract ends with its maturity, its extension or its last instalment, whichever is latest. The cutover's own records are
kept as long as those of its last contract, and at least five years from the business date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

YEARS: Final = 5
RULE: Final = "contract end + 5 years"
BEGUN: Final = "destruction_begun"
"""The event that records a destruction."""
REHEARSAL: Final = "rehearsal: a copy, no record of a contract"


@dataclass(frozen=True, slots=True)
class Retention:
    """`listings`: listing_id, contract_end (date32, NULL where the source has none), keep_until (date32, the last day)."""

    listings: pa.Table
    keep_until: date  # of the cutover: the latest
    undated: int  # listings without any date: kept as long as the cutover

    def of(self, listing_id: str | None) -> date:
        """The last day of a listing's records, and of its debts'; one that is not known is kept as long as the cutover."""
        found = self.listings.filter(pc.equal(self.listings["listing_id"], pa.scalar(listing_id, pa.string())))
        return found["keep_until"][0].as_py() if found.num_rows else self.keep_until

    def knows(self, listing_id: str) -> bool:
        """Whether there is such a listing."""
        return bool(pc.any(pc.equal(self.listings["listing_id"], listing_id)).as_py())

    def by_year(self) -> dict[str, int]:
        """Year of the last day -> listings."""
        counted = pc.value_counts(pc.year(self.listings["keep_until"]))
        return {str(one["values"]): one["counts"] for one in sorted(counted.to_pylist(), key=lambda row: row["values"])}


def retention(tables: Mapping[str, pa.Table], business_date: date) -> Retention:
    """Work it out from the snapshot's listings, schedules and extensions."""
    ends = [
        tables["listings"].select(["listing_id", "maturity_date"]),
        tables["extensions"].select(["listing_id", "new_maturity_date"]),
        tables["schedules"].select(["listing_id", "due_date"]),
    ]
    dated = pa.concat_tables([one.rename_columns(["listing_id", "end"]) for one in ends])
    latest = dict(zip(*_columns(dated.group_by("listing_id").aggregate([("end", "max")])), strict=True))
    keys = tables["listings"]["listing_id"].to_pylist()
    contract_ends = [latest.get(key) for key in keys]
    longest = kept_until(max([business_date, *(end for end in contract_ends if end is not None)]))
    until = [longest if end is None else kept_until(end) for end in contract_ends]
    columns = {
        "listing_id": pa.array(keys, pa.string()),
        "contract_end": pa.array(contract_ends, pa.date32()),
        "keep_until": pa.array(until, pa.date32()),
    }
    return Retention(pa.table(columns), longest, contract_ends.count(None))


def kept_until(end: date) -> date:
    """The last day: five years on; from the 29th of February to the 1st of March."""
    try:
        return end.replace(year=end.year + YEARS)
    except ValueError:
        return date(end.year + YEARS, 3, 1)


def _columns(table: pa.Table) -> tuple[list[str], list[date | None]]:
    return table["listing_id"].to_pylist(), table["end_max"].to_pylist()
