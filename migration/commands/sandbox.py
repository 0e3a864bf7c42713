"""`cutover demo` and `cutover sandbox ...`: rehearse without a bank and without a platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from migration import wiring
from migration.commands.shared import OUT, settings
from migration.domain.errors import ConfigurationError
from migration.settings import Settings
from migration.stages.daily import day_of

TRUTH = Path("var/truth.json")


def demo(*, keep_ui: Annotated[bool, typer.Option("--keep-ui", help="Keep Airflow up until Ctrl-C.")] = False) -> None:
    """A whole cutover of sample_data/ in a real Airflow; run it in the repository's folder (make demo)."""
    from migration.demo import run_demo  # noqa: PLC0415 - only the demo needs it

    raise typer.Exit(run_demo(Path.cwd(), keep_ui=keep_ui))


def generate(
    users: Annotated[int, typer.Option("--users", min=1, help="How many users.")],
    listings: Annotated[int, typer.Option("--listings", min=1, help="How many listings (标的).")],
    debts: Annotated[int, typer.Option("--debts", min=1, help="How many debts (债权).")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same platform.")],
    url: Annotated[str, typer.Option("--url", help="Any SQLAlchemy URL; the tables are made anew.")],
    hazards: Annotated[str, typer.Option("--hazards", help="all, none, or a list such as H1,H3.")] = "all",
    truth: Annotated[Path, typer.Option("--truth", help="Where what was planted is written, as JSON.")] = TRUTH,
) -> None:
    """Write an invented legacy platform of any size into a database."""
    from migration.sandbox.generate import generate as make  # noqa: PLC0415

    chosen = (
        hazards if hazards in {"all", "none"} else frozenset(h.strip().upper() for h in hazards.split(",") if h.strip())
    )
    try:
        truth.parent.mkdir(parents=True, exist_ok=True)
        made = make(url, users=users, listings=listings, debts=debts, seed=seed, hazards=chosen, truth=truth)
    except ValueError as wrong:
        raise ConfigurationError.of("GENERATE", "sandbox generate", str(wrong), "see --help") from wrong
    _summary(made, truth)


def _summary(made: dict[str, Any], truth: Path) -> None:
    """How many rows each table has, how often each hazard was planted, and where the rest stands."""
    for name, count in made["rows"].items():
        OUT.print(f"{name:16} {count:>12,}")
    planted = {hazard: len(items) for hazard, items in made["planted"].items()}
    if planted:
        told = " · ".join(
            f"{hazard} {count:,}" for hazard, count in sorted(planted.items(), key=lambda p: int(p[0][1:]))
        )
        OUT.print(f"planted: {told}")
    OUT.print(f"what was planted, what to sign, the bank's faults: {truth}", markup=False)


def bank(
    *,
    faults: Annotated[
        Path | None, typer.Option("--faults", help="A fault plan (TOML or JSON): docs/sandbox-bank.md.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Answer questions over HTTPS on this port (0: any).")
    ] = None,
    sftp: Annotated[
        int | None, typer.Option("--sftp", min=0, max=65535, help="Serve the exchange by SFTP on this port (0: any).")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="The bank's exchange folder; default: bank.directory.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer what is there, then stop.")] = False,
) -> None:
    """The sandbox bank: answers request files under the configured directory until Ctrl-C, over SFTP too when asked."""
    from migration.sandbox.bank import BankBusy, PlanError, Profile  # noqa: PLC0415
    from migration.sandbox.bank import run as serve  # noqa: PLC0415
    from migration.sandbox.bank import sftp as server  # noqa: PLC0415

    found = settings()
    place, terms = directory or _place(found), found.bank
    profile = Profile(
        product=terms.product,
        institution=terms.institution,
        issuer=terms.issuer,
        rows_per_file=terms.rows_per_file,
        platform_accounts=frozenset({terms.fee_account, terms.red_packet_account, terms.master_account}),
    )
    state = place / "state"
    doors = () if sftp is None else (server.door(place, state, sftp),)
    try:
        with _counter(state, faults, port, terms.query_signature):
            serve(place, state=state, faults=faults, business_date=None, once=once, profile=profile, doors=doors)
    except (PlanError, BankBusy, OSError) as wrong:
        raise ConfigurationError.of("SANDBOX_BANK", "sandbox bank", str(wrong), "docs/sandbox-bank.md") from wrong


@contextmanager
def _counter(state: Path, faults: Path | None, port: int | None, algorithm: str) -> Iterator[None]:
    """The query counter beside the files, when it is asked for; its keys lie in `<state>/query/`."""
    from migration.sandbox.bank.query_server import serving  # noqa: PLC0415

    if port is None:
        yield
        return
    with serving(state, faults, port=port, algorithm=algorithm) as (url, _):
        OUT.print(f"questions: {url}, keys: {state / 'query'}", markup=False)
        yield


def day(
    date: Annotated[str, typer.Option("--date", help="The day to cut, YYYY-MM-DD.")],
    seed: Annotated[int, typer.Option("--seed", help="The same books, seed and day give the same files.")] = 1,
    moves: Annotated[int, typer.Option("--moves", min=0, help="How many movements to invent.")] = 20,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="The bank's exchange folder; default: bank.directory.")
    ] = None,
) -> None:
    """The sandbox bank's day cut: invented movements, and the day's EVE and ALEVE files in the exchange folder."""
    from migration.sandbox.bank import Ledger, cut_day  # noqa: PLC0415

    found = settings()
    place = directory or _place(found)
    ledger = Ledger(place / "state")
    try:
        names = cut_day(ledger, place, day_of(date), seed=seed, product=found.bank.product, moves=moves)
    finally:
        ledger.close()
    OUT.print("\n".join(names))


def _place(found: Settings) -> Path:
    """The bank's folder: shared with us, or, when files travel by SFTP and none is given, the sandbox's own."""
    if found.bank.directory is None and found.bank.transport == "sftp":
        return Path(found.cutover.workspace) / "sandbox-bank"
    return wiring.exchange_folder(found)


def escrow(
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="On 127.0.0.1.")] = 8_330,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            help="KIND=PERCENT, repeated: timeout_before, timeout_after, error_after, late_failure, "
            "double_answer, odd_amount.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Which payments are struck.")] = 0,
    settle: Annotated[float, typer.Option("--settle", help="Seconds of its clock until a payment ends.")] = 1_200.0,
) -> None:
    """The sandbox of the legacy escrow: pays withdrawals out of books of its own until Ctrl-C."""
    from migration.sandbox.escrow import Faults  # noqa: PLC0415
    from migration.sandbox.escrow import serve as run  # noqa: PLC0415

    try:
        plan = Faults.told(fault or [], seed=seed, settle_s=settle)
    except ValueError as wrong:
        raise ConfigurationError.of("SANDBOX_ESCROW", "--fault", str(wrong), "docs/withdrawals.md") from wrong
    run(Path(settings().cutover.workspace) / "sandbox-escrow" / "books.sqlite", port, plan)
