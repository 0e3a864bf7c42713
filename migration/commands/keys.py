"""`cutover keys`: the data key that personal data in the workspace is encrypted with."""

from __future__ import annotations

from typing import Annotated

import typer

from migration import wiring
from migration.commands.shared import OUT, desk, emit, require_name
from migration.stages import rotation

app = typer.Typer(help="The key that encrypts personal data at rest.", no_args_is_help=True)


@app.command()
def rotate(
    name: Annotated[str, typer.Option("--as", help="Who does it.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Encrypt everything anew under a new data key; the old one is refused afterwards. Killed, give it again."""
    with desk() as opened:
        opened.begin()
        keys = wiring.keyring(opened.settings)
        done = rotation.rotate(opened.journal, keys, require_name(name), opened.house.failpoint)
    if json:
        emit(done)
        return
    OUT.print(f"data key {done['from']} -> {done['to']}: {len(done['snapshots'])} snapshot(s) encrypted anew")
    if done["unreadable"]:
        OUT.print(f"[yellow]left as they are, no key given reads them: {', '.join(done['unreadable'])}[/]")
    if keys.outside:
        OUT.print("set CUTOVER_DATA_KEY to the new key now, and destroy the old one where it is kept")
