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
    """Uv's place: on the path, or installed into the environment through pip."""
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
    venv.create(VENV, with_pip=True, clear=True)
    tool = uv()
    if tool:
        os.environ.setdefault("UV_LINK_MODE", "copy")
        # compiled once, as pip does it: where Python may not write bytecode, every process would compile all it imports
        options = ["--quiet", "--compile-bytecode", "--require-hashes"]
        call(tool, "pip", "install", *options, "--python", PYTHON, "-r", "requirements.txt")
    else:
        call(PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.txt")
    link()
    STAMP.write_text(digest)
    print("set up.", flush=True)


def link() -> None:
    """Make the checkout importable and `cutover` a command; nothing has to be built for that."""
    found = subprocess.run(
        [str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    Path(found.stdout.strip(), "cutover.pth").write_text(f"{ROOT}\n")
    script = VENV / "bin" / "cutover"
    script.write_text(f"#!{PYTHON}\nfrom migration.cli import main\n\nmain()\n")
    script.chmod(0o755)


if __name__ == "__main__":
    main()
