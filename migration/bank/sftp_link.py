"""One connection to the bank's SFTP server: pinned, timed, made again when it drops, within a bound.

Errors: SFTP_HOST_KEY (GateClosed: another key than the pinned one; it is never added), SFTP_AUTH and SFTP_KEY_FILE
(ConfigurationError), SFTP_UNREACHABLE, SFTP_LOST, SFTP_SLOW (TransientError). Nothing the server says is repeated in a
message.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from paramiko import AuthenticationException, SFTPClient, SSHException, Transport
from paramiko.ssh_exception import BadAuthenticationType, IncompatiblePeer
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from migration.bank.sftp_keys import algorithms, host_key, private_key
from migration.domain.errors import ConfigurationError, GateClosed, TransientError
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from paramiko import PKey

    from migration.domain.ports import Clock

T = TypeVar("T")
LOG: Final = "migration.bank.sftp"
logging.getLogger(LOG).addHandler(logging.NullHandler())
logging.getLogger(LOG).propagate = False  # paramiko logs the tracebacks of dropped connections; ours say what to do


@dataclass(frozen=True, slots=True)
class Address:
    """Where the bank's server is and who we are there; the keys `[bank]` of the configuration."""

    host: str
    port: int
    username: str
    key_file: Path
    known_host_key: str
    out_path: str = "out"
    in_path: str = "in"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, and how often a dropped connection is made again within one verb."""

    connect_s: float = 20.0
    banner_s: float = 20.0
    login_s: float = 30.0
    answer_s: float = 60.0
    verb_s: float = 900.0  # a server that drips single bytes answers in time, and never ends
    keepalive_s: int = 30
    attempts: int = 5


class LinkLost(TransientError):
    """The connection dropped; the same verb may be tried again."""


class Link:
    """The connection, opened at the first use and kept between verbs. For one thread."""

    def __init__(self, address: Address, clock: Clock, patience: Patience | None = None) -> None:
        self._address = address
        self._clock = clock
        self._patience = patience or Patience()
        self._transport: Transport | None = None
        self._session: SFTPClient | None = None

    def run(self, subject: str, work: Callable[[SFTPClient], T]) -> T:
        """Do `work` on an open session; from its beginning again when the connection drops under it."""
        retrying = Retrying(
            stop=stop_after_attempt(self._patience.attempts),
            wait=wait_exponential(multiplier=0.5, max=10),
            retry=retry_if_exception_type(LinkLost),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(self._once, subject, work)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
        self._transport = self._session = None

    def _once(self, subject: str, work: Callable[[SFTPClient], T]) -> T:
        session = self._open()
        with self._within(subject):
            try:
                return work(session)
            except (SSHException, EOFError, TimeoutError) as fault:
                self.close()
                raise _lost(subject) from fault
            except OSError as fault:
                if self._alive():
                    raise  # the server's own answer
                self.close()
                raise _lost(subject) from fault

    @contextmanager
    def _within(self, subject: str) -> Iterator[None]:
        """Hang up when the whole verb takes too long."""
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            self.close()

        timer = threading.Timer(self._patience.verb_s, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except LinkLost as lost:
            if late.is_set():
                detail = f"was not done within {self._patience.verb_s:.0f} s"
                raise TransientError(Finding("SFTP_SLOW", subject, detail, "ask the bank, run again")) from lost
            raise
        finally:
            timer.cancel()

    def _alive(self) -> bool:
        session, transport = self._session, self._transport
        if session is None or transport is None:
            return False
        channel = session.get_channel()
        return transport.is_active() and channel is not None and not channel.closed

    def _open(self) -> SFTPClient:
        if self._alive() and self._session is not None:
            return self._session
        self.close()
        pinned, own = host_key(self._address.known_host_key), private_key(self._address.key_file)
        try:
            self._transport = self._dial(pinned)
            self._log_in(self._transport, own)
            self._session = self._begin(self._transport)
        except (SSHException, EOFError, OSError) as fault:
            self.close()
            raise LinkLost(
                Finding(
                    "SFTP_UNREACHABLE",
                    "bank.host",
                    f"the bank's server could not be reached or did not answer ({type(fault).__name__})",
                    "look at host, port and the network, or run again when the bank's server is up",
                )
            ) from fault
        except BaseException:
            self.close()
            raise
        return self._session

    def _dial(self, pinned: PKey) -> Transport:
        """Agree on a cipher with a server that shows the pinned key, and with no other."""
        line = socket.create_connection((self._address.host, self._address.port), self._patience.connect_s)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else every answer waits for a delayed ACK
        transport = Transport(line)
        try:
            self._shake_hands(transport, pinned)
        except BaseException:
            transport.close()
            raise
        return transport

    def _shake_hands(self, transport: Transport, pinned: PKey) -> None:
        limits = self._patience
        transport.set_log_channel(LOG)
        transport.daemon = True
        transport.banner_timeout, transport.auth_timeout = limits.banner_s, limits.login_s
        transport.channel_timeout = limits.answer_s
        transport.get_security_options().key_types = algorithms(pinned)
        try:
            transport.start_client(timeout=limits.banner_s)
        except IncompatiblePeer as fault:
            if "host key" in str(fault):
                raise _other_key() from fault
            raise
        if transport.get_remote_server_key().asbytes() != pinned.asbytes():
            raise _other_key()

    def _log_in(self, transport: Transport, own: PKey) -> None:
        try:
            transport.auth_publickey(self._address.username, own)
        except AuthenticationException as fault:
            refused = isinstance(fault, BadAuthenticationType) or "timeout" not in str(fault).lower()
            if refused and transport.is_active():
                raise ConfigurationError(
                    Finding(
                        "SFTP_AUTH",
                        "bank.username",
                        "the bank's server refuses this user with this key",
                        "have the public key of bank.key_file entered at the bank, or correct user and key",
                    )
                ) from fault
            raise

    def _begin(self, transport: Transport) -> SFTPClient:
        transport.set_keepalive(self._patience.keepalive_s)
        session = SFTPClient.from_transport(transport)
        channel = session.get_channel() if session else None
        if session is None or channel is None:
            raise SSHException("no channel")
        channel.settimeout(self._patience.answer_s)
        return session


def _lost(subject: str) -> LinkLost:
    detail = "the connection to the bank dropped or did not answer in time"
    return LinkLost(Finding("SFTP_LOST", subject, detail, "run again: it goes on where it stopped"))


def _other_key() -> GateClosed:
    return GateClosed(
        Finding(
            "SFTP_HOST_KEY",
            "bank.known_host_key",
            "the server shows another host key than the one that is pinned; nothing was sent",
            "ask the bank by telephone; only when it confirms a new key, pin that one",
        )
    )
