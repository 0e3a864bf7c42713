"""Where the demonstration keeps its things: all of it under `<root>/var/demo`, folders of mode 0700."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

USER: Final = "operator"
"""Airflow's one user in the demonstration."""


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one demonstration: `root` is the repository's root, `home` the demonstration's own folder."""

    root: Path
    home: Path

    @classmethod
    def under(cls, root: Path, home: Path | None = None) -> Places:
        """Make the folders that are missing."""
        root = root.resolve()
        places = cls(root, (home or root / "var" / "demo").resolve())
        # the embedded PostgreSQL's OS user must be able to pass through; what holds personal data is 0700 below it
        places.home.mkdir(parents=True, exist_ok=True)
        for folder in (places.cutover, places.bank, places.bank_state, places.airflow, places.logs, places.run):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return places

    @property
    def cutover(self) -> Path:
        """The product's own workspace: snapshots, manifests, quarantine."""
        return self.home / "cutover"

    @property
    def postgres(self) -> Path:
        """Workspace of the embedded PostgreSQL, which holds the journal and Airflow's metadata."""
        return self.home

    @property
    def bank(self) -> Path:
        """The exchange directory between the product and the sandbox bank."""
        return self.home / "bank"

    @property
    def bank_state(self) -> Path:
        """The sandbox bank's own ledger."""
        return self.home / "bank_state"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME: its logs, its generated configuration."""
        return self.home / "airflow"

    @property
    def logs(self) -> Path:
        """What the started processes print."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Ids of the processes that were started, so that a later start can end leftovers."""
        return self.home / "run"

    @property
    def export(self) -> Path:
        """Where the exports are put."""
        return self.home / "export"

    @property
    def report(self) -> Path:
        """Where the report is put."""
        return self.home / "report"

    @property
    def sample(self) -> Path:
        """The sample platform and what the people of the rehearsal hand in."""
        return self.root / "sample_data"

    @property
    def passwords(self) -> Path:
        """Airflow's file of users and passwords (SimpleAuthManager)."""
        return self.airflow / "passwords.json"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is drawn once and kept (0600): keys, the login, the ports, so that the UI comes back at the same address."""

    jwt: str
    api_key: str
    fernet: str
    password: str
    ui_port: int

    @classmethod
    def of(cls, places: Places) -> Secrets:
        """Read them, or draw them the first time; a port that is taken by now is drawn anew."""
        file = places.airflow / "secrets.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        drawn = cls(
            jwt=known.get("jwt") or secrets.token_urlsafe(64),  # 86 characters: Airflow wants 64 bytes at least
            api_key=known.get("api_key") or secrets.token_urlsafe(32),
            fernet=known.get("fernet") or base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            password=known.get("password") or secrets.token_urlsafe(9),
            ui_port=known["ui_port"] if known and is_free(known["ui_port"]) else free_port(),
        )
        _write_private(file, {name: getattr(drawn, name) for name in cls.__slots__})
        _write_private(places.passwords, {USER: drawn.password})
        return drawn


def free_port() -> int:
    """Find a TCP port nobody listens on (127.0.0.1)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether a port can be listened on at this moment."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _write_private(file: Path, content: dict[str, object]) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        json.dump(content, stream)
