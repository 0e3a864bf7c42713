"""Wiring: from the configuration to the ports of one run. The only place that knows which adapter stands behind which port."""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.runner import GxJudge
from migration import allocator
from migration.bank.profiles import Adapter, Surroundings, open_bank
from migration.bank.sftp_files import SftpFiles
from migration.bank.sftp_link import Address
from migration.bank.transport import DirectoryFiles
from migration.clock import SystemClock
from migration.domain.errors import ConfigurationError
from migration.domain.fees import Tariff
from migration.domain.ports import Clock, RepaymentFormat
from migration.domain.windows import Windows
from migration.domain.wording import Pair
from migration.extensions import sources
from migration.journal.embedded import Embedded
from migration.journal.notary import Notary
from migration.journal.store import PostgresJournal
from migration.legacy.keyring import Keyring
from migration.legacy.options import options
from migration.legacy.platform import LegacyPlatform
from migration.legacy.remains import Remains
from migration.legacy.vault import KEY_BYTES, Vault
from migration.settings import Settings, load
from migration.stages import daily, destruction, figures, rotation
from migration.stages.engine import Beyond, Engine
from migration.stages.house import House, Tell, Terms
from migration.verification.readers import named
from migration.withdrawals.values import Terms as WithdrawalTerms

if TYPE_CHECKING:
    from migration.withdrawals.service import Plant

FAILPOINT = "CUTOVER_FAILPOINT"
"""Environment: `NAME` or `NAME@N`: SIGKILL this process when the named point is reached (the N-th time). Rehearsals only."""

POLL_S = {"directory": 0.2, "sftp": 2.0}
"""How often a waiting command looks for results; a server that is somebody else's is not asked five times a second."""


@dataclass(slots=True)
class Desk:
    """One opened cutover: the settings, the ports, the engine."""

    settings: Settings
    house: House
    engine: Engine
    journal: PostgresJournal
    notary: Notary
    days: daily.Desk
    repayments: RepaymentFormat
    answers: Mapping[tuple[str, str], Pair]  # what the bank means by its codes
    key_id: str  # of the data key

    def begin(self) -> None:
        """Make sure that the cutover's row is there, without taking over from a run under way."""
        self.journal.begin(self.settings.cutover.id, self.settings.cutover.kind)

    def close(self) -> None:
        """Give connections back."""
        self.engine.close()


def settings(config: Path | None = None) -> Settings:
    """The configuration: `--config`, else CUTOVER_CONFIG, else cutover.toml in the current folder."""
    named = os.environ.get("CUTOVER_CONFIG")
    return load(config or (Path(named) if named else None))


def store_url(found: Settings) -> str:
    """The journal's database: the configured server, or the embedded PostgreSQL under the workspace."""
    return found.store.url or Embedded(Path(found.cutover.workspace)).url("cutover")


def legacy(found: Settings, vault: Vault, clock: Clock) -> LegacyPlatform:
    """The legacy platform behind its port."""
    workspace = Path(found.cutover.workspace)
    return LegacyPlatform(
        found.legacy.url,
        found.legacy.money_unit,
        found.legacy.entities,
        workspace,
        vault,
        clock,
        options(found.legacy.money_unit, found.legacy.values, found.legacy.formats),
    )


def desk(
    found: Settings,
    *,
    actor: str,
    approve_as: tuple[str, ...] = (),
    tell: Tell | None = None,
    blocking: bool = True,
    destroyed: bool = False,
) -> Desk:
    """Open the ports of one run; `destroyed`: also when what the cutover holds of people was destroyed."""
    readable(found.bank.profile)
    allocator.choose()
    clock = SystemClock()
    workspace = Path(found.cutover.workspace)
    own = workspace / "reports" / figures.NAME
    if found.cutover.figures:
        _rehearsed(found.cutover.figures, own)  # a wrong name is told before anything is done
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = PostgresJournal(store_url(found))
    journal.begin(found.cutover.id, found.cutover.kind)
    vault = _vault(workspace, journal, destroyed=destroyed)
    source = legacy(found, vault, clock)
    notary = Notary(journal, workspace)
    wire = files(found, workspace, clock)
    adapter = _adapter(found, journal, clock)
    bank = adapter.bank
    house = House(
        terms=terms(found, bank.account_pattern),
        journal=journal,
        legacy=source,
        bank=bank,
        files=wire,
        inquiries=adapter.inquiries,
        judge=GxJudge(),
        clock=clock,
        actor=actor,
        verify=lambda: _verified(house),
        approve_as=approve_as,
        blocking=blocking,
        failpoint=_failpoint(found),
        report=_keeper(workspace / "reports"),
        rehearsed=lambda: _rehearsed(found.cutover.figures, own),
        seal=notary.seal,
    )
    if tell is not None:
        house.tell = tell
    days = _daily(found, journal, adapter)
    engine = Engine(house, lambda: _close(journal, wire, adapter), days, _beyond(found))
    return Desk(found, house, engine, journal, notary, days, adapter.repayments, adapter.answers, vault.key_id)


def _daily(found: Settings, journal: PostgresJournal, adapter: Adapter) -> daily.Desk:
    bank = found.bank
    own = (bank.fee_account, bank.red_packet_account, bank.master_account)
    return daily.Desk(journal, adapter.daily, own)


def _close(journal: PostgresJournal, wire: DirectoryFiles | SftpFiles, adapter: Adapter) -> None:
    journal.close()
    adapter.close()
    if isinstance(wire, SftpFiles):
        wire.close()


def _vault(workspace: Path, journal: PostgresJournal, *, destroyed: bool) -> Vault:
    """The data key, as the journal knows it; once it was destroyed none takes its place."""
    events = journal.events()
    if destroyed and destruction.begun(events) is not None:
        return Vault(secrets.token_bytes(KEY_BYTES))
    destruction.require_there(events)
    vault = Vault.open(workspace, os.environ)
    rotation.require_current(events, vault.key_id)
    return vault


def remains(found: Settings) -> Remains:
    """What is personal in the workspace."""
    return Remains(Path(found.cutover.workspace), os.environ)


def keyring(found: Settings) -> Keyring:
    """The data keys of the workspace."""
    return Keyring(Path(found.cutover.workspace), SystemClock(), os.environ)


def engine(config: Path | None = None) -> Engine:
    """The engine for Airflow: waits by raising, never inside a call."""
    actor = os.environ.get("CUTOVER_ACTOR") or getpass.getuser()
    return desk(settings(config), actor=actor, blocking=False).engine


def readable(profile: str) -> None:
    """Nothing is begun with a bank whose files the verifier could not read at the end: ConfigurationError(CONFIG_VALUE)."""
    try:
        named(profile)
    except LookupError as missing:
        raise ConfigurationError.of("CONFIG_VALUE", "bank.profile", str(missing), "docs/bank-adapter.md") from None


def _adapter(found: Settings, journal: PostgresJournal, clock: Clock) -> Adapter:
    """The bank's files and questions, by the profile's name."""
    return open_bank(found.bank, Surroundings(clock, found.cutover.business_date, journal.message_numbers))


def files(found: Settings, workspace: Path, clock: Clock) -> DirectoryFiles | SftpFiles:
    """The wire to the bank; SFTP connects when it is first used."""
    bank = found.bank
    if bank.transport == "directory":
        return DirectoryFiles(exchange_folder(found), workspace, clock)
    if bank.key_file is None:
        raise ConfigurationError.of(
            "CONFIG_REQUIRED", "bank.key_file", "not set", "the private key for the bank's server"
        )
    address = Address(
        host=bank.host,
        port=bank.port,
        username=bank.username,
        key_file=Path(bank.key_file),
        known_host_key=bank.known_host_key,
        out_path=bank.out_path,
        in_path=bank.in_path,
    )
    return SftpFiles(address, workspace, clock)


def exchange_folder(found: Settings) -> Path:
    """Where requests go and results come from."""
    if found.bank.directory is None:
        raise ConfigurationError.of("CONFIG_REQUIRED", "bank.directory", "not set", "the exchange folder of the bank")
    return Path(found.bank.directory)


def terms(found: Settings, account_pattern: str) -> Terms:
    """The part of the configuration that the stages work by."""
    return Terms(
        cutover_id=found.cutover.id,
        profile=found.bank.profile,
        kind=found.cutover.kind,
        business_date=found.cutover.business_date,
        keep_account=tuple(found.policy.keep_account),
        overdue=found.policy.overdue,
        late_change=found.policy.late_change,
        in_flight=found.policy.in_flight,
        require_approvals=found.policy.require_approvals,
        confidence=found.sampling.confidence,
        defect_rate=found.sampling.defect_rate,
        seed=found.sampling.seed,
        rows_per_file=found.bank.rows_per_file,
        result_timeout_s=float(found.bank.result_timeout_s),
        config_digest=found.digest(),
        code_digest=code_digest(found.bank.profile),
        account_pattern=account_pattern,
        carry_authorisations=found.policy.carry_authorisations,
        poll_s=POLL_S[found.bank.transport],
        windows=Windows.parse(found.bank.windows, found.bank.window_minutes, found.bank.window_prepare_minutes),
        finality_s=float(found.bank.finality_s),
        ask_again_s=float(found.bank.ask_again_s),
    )


def _beyond(found: Settings) -> dict[tuple[str, str], Beyond]:
    """The residual balances' day, for Airflow; the web's libraries are loaded only when it comes to that."""

    def reversals(day: str) -> dict[str, int]:
        from migration.withdrawals import days  # noqa: PLC0415

        return days.reversals(withdrawal_plant(found), date.fromisoformat(day))

    def ledger(_: str) -> dict[str, int]:
        from migration.withdrawals import days  # noqa: PLC0415

        return days.ledger(withdrawal_plant(found))

    return {("withdrawals", "reversals"): reversals, ("withdrawals", "ledger"): ledger}


def withdrawal_plant(found: Settings) -> Plant:
    """What the withdrawal processes are made from."""
    from migration.withdrawals.service import Plant  # noqa: PLC0415

    return Plant(store_url(found), withdrawal_terms(found), found.withdrawals.escrow_url)


def withdrawal_terms(found: Settings) -> WithdrawalTerms:
    """The rules of the withdrawal service."""
    rules = found.withdrawals
    return WithdrawalTerms(
        tariff=Tariff(rules.free_per_month, rules.fee_flat_fen, rules.fee_flat_limit_fen, Fraction(rules.fee_rate)),
        daily_cap_fen=rules.daily_cap_fen,
        sunset=rules.sunset,
        finality=timedelta(hours=rules.finality_h),
        release_persons=found.policy.require_approvals,
    )


@lru_cache(maxsize=8)
def code_digest(profile: str) -> str:
    """SHA-256 over the product's own source and an added bank's: an approval for one version does not hold for another."""
    root = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.sql"), *(root.parent / "expectations").rglob("*.py")]):
        digest.update(path.relative_to(root.parent).as_posix().encode() + b"\0" + path.read_bytes())
    for name, content in sources(profile):
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()


def _keeper(folder: Path) -> Callable[[str, str], None]:
    """Write reports into the workspace, for their owner only."""

    def keep(name: str, content: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{name}.part"
        draft.write_text(content, encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(folder / name)

    return keep


def _rehearsed(named: Path | None, own: Path) -> Mapping[str, Any] | None:
    """The figures of a rehearsal: of the configured file, else of an earlier cutover in this workspace; else none."""
    path = named or own
    if named is None and not own.exists():
        return None
    try:
        return figures.read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ConfigurationError.of(
            "FIGURES_FILE",
            "cutover.figures" if named else own.name,
            f"the figures of a rehearsal cannot be read ({type(fault).__name__})",
            "name the reports/figures.json of a finished rehearsal, or take the key (the file) away",
        ) from None


def _failpoint(found: Settings) -> Tell:
    """Named interruption points; armed by the environment, never in production."""
    armed = os.environ.get(FAILPOINT, "")
    if not armed or found.cutover.kind == "production":
        return lambda _name: None
    name, _, nth = armed.partition("@")
    left = [int(nth or 1)]

    def reach(point: str) -> None:
        if point == name:
            left[0] -= 1
            if left[0] == 0:
                sys.stderr.flush()
                os.kill(os.getpid(), signal.SIGKILL)

    return reach


def _verified(house: House) -> Mapping[str, int | None]:
    """The independent verifier's findings as counts."""
    from migration.stages import gather  # noqa: PLC0415 - only reconcile needs it
    from migration.verification.run import counts  # noqa: PLC0415

    return counts(gather.evidence(house))
