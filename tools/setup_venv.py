"""Make `.venv` from the pinned requirements when it is missing or out of date. Standard library only.

uv installs in seconds and is used when it is on the path (or can be had through pip); pip is the way that always works.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".requirements.sha256"


def wanted() -> str:
    """The digest of all that decides about the environment."""
    parts = [ROOT / "requirements.txt", ROOT / "pyproject.toml"]
    return hashlib.sha256(b"".join(p.read_bytes() for p in parts) + sys.version.encode()).hexdigest()


def call(*command: str | Path) -> None:
    """Run a command; its failure is ours."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def uv() -> str | None:
    """uv's place: on the path, or installed into the environment through pip."""
    found = shutil.which("uv")
    if found:
        return found
    own = VENV / "bin" / "uv"
    done = subprocess.run(
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], cwd=ROOT, check=False
    )
    return str(own) if done.returncode == 0 and own.exists() else None


def main() -> None:
    """Converge: nothing to do when the stamp is right."""
    if sys.version_info < (3, 11):
        sys.exit("Cutover needs Python 3.11 or newer")
    digest = wanted()
    if STAMP.exists() and STAMP.read_text() == digest and PYTHON.exists():
        return
    print("setting up .venv from requirements.txt ...", flush=True)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True, clear=True)
    tool = uv()
    if tool:
        os.environ["UV_LINK_MODE"] = os.environ.get("UV_LINK_MODE", "copy")
        call(tool, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", "requirements.txt")
        call(tool, "pip", "install", "--quiet", "--python", PYTHON, "--no-deps", "--no-build-isolation-package", "cutover", "-e", ".")
    else:
        call(PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.txt")
        call(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "-e", ".")
    STAMP.write_text(digest)
    print("set up.", flush=True)


if __name__ == "__main__":
    main()
