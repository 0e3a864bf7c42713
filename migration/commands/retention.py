"""How long records are kept, and their destruction afterwards."""

from __future__ import annotations

from typing import Annotated

import typer

from migration import wiring
from migration.commands.shared import OUT, desk, emit, require_name
from migration.domain.errors import ConfigurationError
from migration.domain.retention import RULE
from migration.stages import destruction

Json = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


def retention(
    listing: Annotated[str | None, typer.Option("--listing", help="A listing number.")] = None,
    debt: Annotated[str | None, typer.Option("--debt", help="A debt number.")] = None,
    *,
    json: Json = False,
) -> None:
    """Until when records must be kept: of every listing (with its debts), and of the cutover as a whole."""
    with desk() as opened:
        opened.begin()
        found = destruction.clock(opened.house)
        owner = dict(zip(*(opened.house.table("debts")[c].to_pylist() for c in ("debt_id", "listing_id")), strict=True))
    if listing is not None or debt is not None:
        if (debt is not None and debt not in owner) or (listing is not None and not found.knows(listing)):
            raise ConfigurationError.of(
                "RETENTION_KEY", debt or listing or "", "the snapshot has no such key", "look it up"
            )
        day = found.of(listing if debt is None else owner[debt]).isoformat()
        emit({"key": debt or listing, "keep_until": day}) if json else OUT.print(day)
        return
    told = {
        "rule": RULE,
        "keep_until": found.keep_until.isoformat(),
        "listings": found.listings.num_rows,
        "debts": len(owner),
        "undated_listings": found.undated,
        "listings_by_year": found.by_year(),
    }
    if json:
        emit({**told, "by_listing": found.listings.to_pylist()})
        return
    OUT.print(f"kept up to and including 保存至 {told['keep_until']} ({RULE})", style="bold")
    for year, count in found.by_year().items():
        OUT.print(f"  {year}: {count:,} listing(s)")
    if found.undated:
        OUT.print(f"[yellow]{found.undated:,} listing(s) without any date are kept as long as the cutover[/]")


def destroy(
    name: Annotated[str, typer.Option("--as", help="Who does it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the journal. No personal data.")],
    *,
    json: Json = False,
) -> None:
    """Destroy what the cutover holds of people, once its time is over and enough persons approved; again: goes on."""
    if not reason.strip():
        raise ConfigurationError.of("REASON_EMPTY", "--reason", "a decision needs a reason", "--reason TEXT")
    with desk(destroyed=True) as opened:
        opened.begin()
        remains = wiring.remains(opened.settings)
        record = destruction.destroy(
            opened.house, opened.journal, remains, opened.key_id, require_name(name), reason.strip()
        )
    if json:
        emit(record)
        return
    OUT.print(f"destroyed 已销毁: {len(record['files'])} files, the data key {record['data_key']}, {record['journal']}")
    OUT.print("out of reach 未及: " + "; ".join(record["left"]), markup=False)
    if record["data_key_elsewhere"]:
        OUT.print("[yellow]destroy the data key where it is kept[/]")
