"""The sandbox's real SFTP server for tests, and a line between it and us that can be cut, slowed and counted."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace

from migration.bank.sftp_files import SftpFiles
from migration.bank.sftp_link import Address, Patience
from migration.sandbox.bank.faults import FaultPlan, parse
from migration.sandbox.bank.sftp import serve

QUICK = Patience(connect_s=5, banner_s=5, login_s=5, answer_s=5, verb_s=20, keepalive_s=0, attempts=3)


class Plan:
    """The fault plan in force; tests change it at will."""

    def __init__(self) -> None:
        self.plan = FaultPlan()

    def set(self, **tables) -> None:
        self.plan = parse(tables)


@contextmanager
def bank(root, plan=None, port=0):
    """A server over `root/exchange`."""
    with serve(root / "exchange", root / "state", plan or Plan(), port=port) as door:
        yield door


def files(door, root, clock, *, port=None, patience=QUICK, **address) -> SftpFiles:
    """The transport, as the configuration would make it."""
    values = {
        "host": "127.0.0.1",
        "port": port or door.port,
        "username": "platform",
        "key_file": door.client_key,
        "known_host_key": door.host_key,
        **address,
    }
    return SftpFiles(Address(**values), root / "workspace", clock, patience)


class Line:
    """A TCP line that ends after so many bytes of ours, `lives` times; afterwards it holds."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cut_after, self.lives, self.sent, self.calls = None, 0, 0, 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after: int, lives: int = 1) -> None:
        self.cut_after, self.lives, self.sent = after, lives, 0

    def close(self) -> None:
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        for end in self._open:
            end.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            self.calls += 1
            try:
                theirs = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                ours.close()
                continue
            for end in (ours, theirs):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [ours, theirs]
            pair = SimpleNamespace(sent=0)
            threading.Thread(target=self._carry, args=(ours, theirs, pair), daemon=True).start()
            threading.Thread(target=self._carry, args=(theirs, ours, None), daemon=True).start()

    def _carry(self, source, target, counted) -> None:
        try:
            while data := source.recv(65_536):
                if counted is not None:
                    self.sent += len(data)
                    counted.sent += len(data)
                    over = counted.sent - self.cut_after if self.cut_after is not None and self.lives else 0
                    if over > 0:
                        self.lives -= 1
                        target.sendall(data[: len(data) - over])
                        break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
