"""The bank's SFTP server: the exchange directory behind a host key and a user's key, and its planned faults.

In `<state>/sftp/`, made at the first start (0700): `host_key`, `host_key.pub`; `authorized_keys` with the platform's
public keys, and when there is none yet, a `client_key` for rehearsals that is entered in it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from migration.sandbox.bank.faults import FaultPlan, Rule

SHOWN: Final = (b"in", b"out")
START_S: Final = 30.0
SLOW_S: Final = 2.0


class Plan(Protocol):
    """Where the faults in force are found."""

    @property
    def plan(self) -> FaultPlan:
        """The faults."""
        ...


class Bank(Protocol):
    """The bank the server belongs to."""

    @property
    def faults(self) -> Plan:
        """Its fault plan."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """An open SFTP server: its port, the line to pin its host key by, and where the rehearsal's client key lies."""

    port: int
    host_key: str
    client_key: Path


@dataclass(slots=True)
class Struck:
    """How often each rule has struck since the start."""

    times: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)

    def strikes(self, rule: Rule, size: int) -> int | None:
        """How many of the next `size` bytes still pass when the rule strikes now; None: all of them."""
        if self.times.get(rule.id, 0) >= rule.options.get("times", 1):
            return None
        before = self.passed.get(rule.id, 0)
        self.passed[rule.id] = before + size
        left = int(rule.options.get("after", 0)) - before
        if left > size or (left == size and size > 0):
            return None
        self.times[rule.id] = self.times.get(rule.id, 0) + 1
        self.passed[rule.id] = 0
        return max(left, 0)


@contextmanager
def serve(directory: Path, state: Path, faults: Plan, *, port: int = 0, host: str = "127.0.0.1") -> Iterator[Door]:
    """Serve `directory` until the end of the block, in a thread of its own. OSError when the port is taken."""
    keys = state / "sftp"
    host_key, authorized = _keys(keys)
    for name in SHOWN:
        (directory / name.decode()).mkdir(mode=0o700, parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    struck = Struck()
    callers: set[asyncssh.SSHServerConnection] = set()

    def session(channel: asyncssh.SSHServerChannel[Any]) -> _Server:
        return _Server(channel, directory, faults, struck)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            host,
            port,
            server_host_keys=[str(host_key)],
            authorized_client_keys=str(authorized),
            password_auth=False,
            kbdint_auth=False,
            server_factory=lambda: _Caller(callers),
            sftp_factory=session,
            allow_scp=False,
            reuse_address=True,
        )

    thread = threading.Thread(target=loop.run_forever, name="sandbox-sftp", daemon=True)
    thread.start()
    try:
        acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(START_S)
        try:
            public = asyncssh.read_public_key(f"{host_key}.pub").export_public_key().decode().split()
            yield Door(acceptor.get_port(), " ".join(public[:2]), keys / "client_key")
        finally:
            asyncio.run_coroutine_threadsafe(_shut(acceptor, callers), loop).result(START_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        loop.close()


def door(
    directory: Path, state: Path, port: int, host: str = "127.0.0.1"
) -> Callable[[Bank], AbstractContextManager[str]]:
    """Make the door for `service.run`: opened, it says how to set `[bank]` up for it."""

    @contextmanager
    def opened(bank: Bank) -> Iterator[str]:
        with serve(directory, state, bank.faults, port=port, host=host) as at:
            yield (
                f'sandbox bank: sftp on {host}, port = {at.port}, known_host_key = "{at.host_key}", '
                f'key_file = "{at.client_key}"'
            )

    return opened


class _Caller(asyncssh.SSHServer):
    """Somebody who is connected: hung up on when the server closes."""

    def __init__(self, callers: set[asyncssh.SSHServerConnection]) -> None:
        self._callers = callers

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember him."""
        self._connection = conn
        self._callers.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Forget him."""
        self._callers.discard(self._connection)


async def _shut(acceptor: asyncssh.SSHAcceptor, callers: set[asyncssh.SSHServerConnection]) -> None:
    """Take no more calls and hang up on everybody."""
    acceptor.close()
    for connection in list(callers):
        connection.abort()
    await acceptor.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=1.0)


def _keys(place: Path) -> tuple[Path, Path]:
    """Have host key and authorized_keys; returns both places."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    host_key, client_key, authorized = place / "host_key", place / "client_key", place / "authorized_keys"
    if not host_key.exists():
        _new_key(host_key)
    if not authorized.exists():
        if not client_key.exists():
            _new_key(client_key)
        authorized.write_bytes(place.joinpath("client_key.pub").read_bytes())
    return host_key, authorized


def _new_key(path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="sandbox")
    key.write_public_key(f"{path}.pub")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.export_private_key())


class _Server(asyncssh.SFTPServer):
    """One user's session: `in/` and `out/` of the exchange directory and nothing else, with the faults planned."""

    def __init__(self, channel: Any, directory: Path, faults: Plan, struck: Struck) -> None:
        super().__init__(channel, chroot=os.fsencode(directory))
        self._channel = channel
        self._faults = faults
        self._struck = struck

    def map_path(self, path: bytes) -> bytes:
        """Refuse what is not the platform's to see (the books may lie beside the exchange folders)."""
        steps = [step for step in os.path.normpath(b"/" + path).split(b"/") if step]
        if steps and steps[0] not in SHOWN:
            raise asyncssh.SFTPPermissionDenied("not here")
        return super().map_path(path)

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        """Write, as far as the plan lets it."""
        rule, passing = self._fault("write", file_obj, len(data))
        if rule is not None:
            super().write(file_obj, offset, data[:passing])
            await self._fail(rule)
        super().write(file_obj, offset, data)
        return len(data)

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        """Read, as far as the plan lets it."""
        rule, _ = self._fault("read", file_obj, size)
        if rule is not None:
            await self._fail(rule)
        return super().read(file_obj, offset, size)  # type: ignore[return-value]

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename; a fault strikes when it is done, before the server says so."""
        super().rename(oldpath, newpath)
        for rule in self._rules("rename", os.fsdecode(newpath)):
            if self._struck.strikes(rule, 0) is not None:
                await self._fail(rule)

    def _rules(self, on: str, name: str) -> Iterator[Rule]:
        for rule in self._faults.plan.sftp:
            if rule.options.get("on", "write") == on and rule.hits((name,), "sftp"):
                yield rule

    def _fault(self, on: str, file_obj: Any, size: int) -> tuple[Rule | None, int]:
        for rule in self._rules(on, os.fsdecode(file_obj.name)):
            passing = self._struck.strikes(rule, size)
            if passing is not None:
                return rule, passing
        return None, size

    async def _fail(self, rule: Rule) -> None:
        """Do what the plan says; comes back only from a slow one."""
        how = rule.options["how"]
        if how == "slow":
            await asyncio.sleep(float(rule.options.get("seconds", SLOW_S)))
            return
        if how == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if how == "denied":
            raise asyncssh.SFTPPermissionDenied("denied")
        if how == "failure":
            raise asyncssh.SFTPFailure("failed")
        self._channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("dropped")
