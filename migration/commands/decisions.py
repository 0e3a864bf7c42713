"""What people decide: approvals, rejections, corrections, signatures, re-sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.table import Table

from migration.commands.shared import OUT, desk, emit, require_name, yuan
from migration.domain import corrections as given
from migration.domain.attempts import batch_of
from migration.domain.columns import Mask, equals, member
from migration.domain.correction_lines import FILE
from migration.domain.errors import ConfigurationError, InputRefused
from migration.stages import sample_keys
from migration.stages.exchange import UNANSWERED, batch_id
from migration.stages.house import House

As = Annotated[str, typer.Option("--as", help="Who decides.")]
Digest = Annotated[str, typer.Option("--digest", help="The digest that was looked at (cutover approvals).")]
GateName = Annotated[
    str, typer.Argument(help="accounts, reopen, listings.sample, listings.full, ...: cutover approvals.")
]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept in the journal.")]
SHORT = 12
"""So many digits of a digest are shown to people; commands take it whole."""


def approvals(*, json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """What was asked of people, by digest: which gates are pending, who has answered."""
    with desk() as opened:
        opened.begin()
        rows: list[dict[str, Any]] = [
            {"gate": g.gate, "digest": g.digest, "needed": g.needed, "given": list(g.given), "state": g.state}
            for g in opened.house.journal.gates()
        ]
    if json:
        emit(rows)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("gate", "state", "given", "digest"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        names = ", ".join(row["given"])
        given_by = f"{len(row['given'])} of {row['needed']} {names}"
        table.add_row(row["gate"], row["state"], given_by, row["digest"][:SHORT])
    OUT.print(table if rows else "no gate has been asked for yet")
    for row in rows:
        if row["state"] == "pending":
            OUT.print(f"cutover approve {row['gate']} --digest {row['digest']} --as NAME", markup=False)


def approve(gate: GateName, digest: Digest, name: As) -> None:
    """Approve what a gate's digest stands for; not who asked for it (CUTOVER_ACTOR)."""
    with desk() as opened:
        opened.begin()
        result = opened.house.journal.decide(gate, digest, require_name(name), "approve", "", rehearsal=False)
        OUT.print(f"{gate}: {result.state}, {len(result.given)} of {result.needed}")


def reject(gate: GateName, digest: Digest, name: As, reason: Why) -> None:
    """Reject a gate's digest: final for that digest; the stage stops."""
    if not reason.strip():
        raise ConfigurationError.of("REASON_EMPTY", "--reason", "a rejection needs a reason", "--reason TEXT")
    with desk() as opened:
        opened.begin()
        opened.house.journal.decide(gate, digest, require_name(name), "reject", reason.strip(), rehearsal=False)
        OUT.print(f"{gate}: rejected")


def corrections(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8, first line: user_id,field,old,new,reason,by")],
    name: Annotated[str, typer.Option("--as", help="Who hands the file in.")],
) -> None:
    """Give corrections of users from operations. One bad line: nothing is applied."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputRefused.of(
            "CORRECTION_FILE", file.name, f"cannot be read ({type(fault).__name__})", "a UTF-8 CSV file"
        ) from fault
    with desk() as opened, _named(file.name):
        opened.begin()
        rows = given.parse_csv(text)
        house = opened.house
        if house.journal.snapshot() is None:
            raise InputRefused.of(
                "STAGE_ORDER", file.name, "corrections need a snapshot", "cutover run --until preflight"
            )
        new = _validated(opened.house, rows)
        if new.num_rows:
            house.journal.add_corrections(new, require_name(name))
        OUT.print(f"{new.num_rows} correction(s) taken, {rows.num_rows - new.num_rows} known already")


def sample(
    stage: Annotated[str, typer.Argument(help="listings or debts.")],
    add: Annotated[list[str] | None, typer.Option("--add", help="A key that the sample must hold (repeat).")] = None,
    name: Annotated[str, typer.Option("--as", help="Who wants it.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the journal.")] = "",
    *,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Add keys to the sample by hand, before it is sent; without --add, show what was added."""
    with desk() as opened:
        opened.begin()
        house = opened.house
        if add:
            if not reason.strip():
                raise ConfigurationError.of("REASON_EMPTY", "--reason", "a decision needs a reason", "--reason TEXT")
            new = sample_keys.add(house, stage, add, require_name(name), reason.strip())
            OUT.print(
                f"{new} added, {len(set(add)) - new} known already; an approval asked for before is asked for anew"
            )
            return
        rows = [row for row in sample_keys.rows(house) if row["stage"] == stage]
    if json:
        emit(rows)
        return
    for row in rows:
        OUT.print(f"{row['at']} {row['by']}: {', '.join(row['keys'])} ({row['reason']})", markup=False)
    OUT.print(f"{sum(len(row['keys']) for row in rows)} key(s) added by hand")


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Findings about a line name the file as it was given."""
    try:
        yield
    except InputRefused as refused:
        lines = f"{FILE}:"
        reasons = [replace(r, subject=f"{file}:{r.subject.removeprefix(lines)}") if r.subject.startswith(lines) else r
                   for r in refused.reasons]  # fmt: skip
        raise InputRefused(*reasons) from None


def _validated(house: House, rows: pa.Table) -> pa.Table:
    """The lines that are new, judged against the present values, merges already made and files under way."""
    known = house.journal.dispositions("users")
    issues = house.table("issues")
    items = house.journal.items("users")
    return given.validate(
        rows,
        house.table("users"),
        house.journal.corrections(),
        house.book().users.users,
        issues=issues.filter(pa.array(equals(issues["entity"], "users"))),
        settled=known.filter(pa.array(equals(known["disposition"], "merged")))["key"],
        in_flight=items.filter(pa.array(equals(items["state"], "open") & _delivered(house, items)))["key"],
    )


def _delivered(house: House, items: pa.Table) -> Mask:
    """Items whose batch has left and is not answered."""
    gone = [batch_id(b) for b in house.journal.batches() if b.state in UNANSWERED]
    return member(batch_of(items), pa.array(gone, pa.string()))


def exceptions(
    *,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    sign: Annotated[list[str] | None, typer.Option("--sign", help="Sign this exception (repeat).")] = None,
    resend: Annotated[
        list[str] | None, typer.Option("--resend", help="Put a refused listing or debt into the next round (repeat).")
    ] = None,
    name: Annotated[str, typer.Option("--as", help="Who decides.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; needed to sign or send again.")] = "",
) -> None:
    """List exceptions; sign them by name and reason, or have refused items sent again."""
    with desk() as opened:
        opened.begin()
        journal = opened.house.journal
        if (sign or resend) and not reason.strip():
            raise ConfigurationError.of("REASON_EMPTY", "--reason", "a decision needs a reason", "--reason TEXT")
        if sign:
            journal.sign(sign, require_name(name), reason.strip())
        if resend:
            journal.mark_resend(resend, require_name(name), reason.strip())
        known = [r for r in journal.exceptions().to_pylist() if r["state"] in {"open", "signed"}]
    rows = [{k: r[k] for k in ("id", "entity", "key", "code", "state", "amount_fen")} for r in known]
    if json:
        emit(rows)
        return
    standing = sum(row["state"] == "open" for row in rows)
    told = f"{standing:,} open, {len(rows) - standing:,} signed"
    if sign or resend:
        OUT.print(f"{len(sign or ())} signed, {len(resend or ())} to be sent again; now {told}")
        return
    table = Table(box=None, header_style="bold")
    for heading in ("id", "entity", "key", "code", "state", "yuan"):
        table.add_column(heading, justify="right" if heading == "yuan" else "left", overflow="fold")
    for row in rows:
        colour = "yellow" if row["state"] == "open" else "green"
        table.add_row(
            row["id"],
            row["entity"],
            row["key"],
            row["code"],
            f"[{colour}]{row['state']}[/]",
            yuan(row["amount_fen"] or 0),
        )
    OUT.print(table if rows else "no exceptions")
    OUT.print(told)
