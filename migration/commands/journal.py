"""The journal itself: its proof, what an auditor gets, the signed roots, the roles; and whose approval counts."""

from __future__ import annotations

import json as text
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from migration.commands.shared import OUT, actor, desk, emit, require_name
from migration.domain.errors import ConfigurationError, GateClosed

Json = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
Who = Annotated[str, typer.Option("--as", help="Who does it.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept in the journal. No personal data.")]


def verify() -> None:
    """Check the chain of events, every row against it, the kept files, the approvals and the signed roots."""
    with desk(destroyed=True) as opened:
        opened.begin()
        found = opened.notary.verify()
        if found:
            raise GateClosed(*found)
        roots = len(opened.journal.root_lines())
        OUT.print(f"the chain holds: {len(opened.journal.events())} events, {roots} signed roots, every row as it says")


def export(out: Annotated[Path, typer.Option("--out", help="The folder to write into.")]) -> None:
    """Write the evidence for an auditor: tables, signed roots, public key, and a verifier that needs only Python."""
    with desk(destroyed=True) as opened:
        opened.begin()
        whole = opened.notary.export(out)
        OUT.print(str(out))
        OUT.print(f"python {out / 'verify_journal.py'} {out} --key {out / 'public_key.pem'}", markup=False)
        if not whole:
            OUT.print(
                "[yellow]the last events are under no signed root yet: this login may not seal, or has not the key[/]"
            )


def roots(
    *,
    json: Json = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Write the file anew, take the present key into use.")
    ] = False,
    name: Who = "",
    reason: Why = "",
) -> None:
    """List the signed roots and compare their file with the chain."""
    with desk(destroyed=True) as opened:
        opened.begin()
        if restore:
            if not reason.strip():
                raise ConfigurationError.of("REASON_EMPTY", "--reason", "a decision needs a reason", "--reason TEXT")
            count = opened.notary.restore(require_name(name), reason.strip())
            OUT.print(f"{count} roots written anew to {opened.notary.folder}")
            return
        rows = [text.loads(line) for line in opened.journal.root_lines()]
        found = opened.notary.check()
    if json:
        emit(rows)
    else:
        table = Table(box=None, header_style="bold")
        for heading in ("n", "gate", "events", "at", "root", "key"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(str(row["n"]), row["gate"], str(row["size"]), row["at"][:19], row["root"][:12], row["key"])
        OUT.print(table if rows else "no root has been signed yet")
    if found:
        raise GateClosed(*found)


def roles() -> None:
    """Make the roles of least privilege where they are missing, and give their rights."""
    with desk(destroyed=True) as opened:
        missing = opened.journal.assign_rights()
    OUT.print("all roles are there, with their rights" if not missing else "an administrator of the server has to run:")
    for role in missing:
        OUT.print(f"  CREATE ROLE {role} NOLOGIN;", markup=False)


def approvers(
    *,
    json: Json = False,
    grant: Annotated[list[str] | None, typer.Option("--grant", help="This person may approve (repeat).")] = None,
    revoke: Annotated[list[str] | None, typer.Option("--revoke", help="This person may not (repeat).")] = None,
    name: Who = "",
    reason: Why = "",
) -> None:
    """Who may approve. While nobody is granted, everybody may who is not revoked."""
    with desk(destroyed=True) as opened:
        opened.begin()
        for standing, names in (("granted", grant or ()), ("revoked", revoke or ())):
            for one in names:
                opened.journal.set_right(one, standing, name or actor(), reason)  # type: ignore[arg-type]
        rights = opened.journal.rights()
    last = {right.name: right for right in rights}
    rows = [{"name": r.name, "standing": r.standing, "by": r.by, "at": r.at.isoformat()} for r in last.values()]
    if json:
        emit(rows)
        return
    for row in rows:
        OUT.print(f"{row['name']}: {row['standing']} by {row['by']} at {row['at'][:19]}", markup=False)
    if not any(right.standing == "granted" for right in rights):
        OUT.print("nobody is named: everybody may approve who is not revoked, and did not ask")
