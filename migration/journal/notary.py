"""The notary: keeps the file of signed roots beside the journal, and notices when one of the two is older than the other.

`<workspace>/evidence/roots.jsonl`: one line a root, appended and synced to the disk; the folder has mode 0700. The event is
committed first, so a kill between the two leaves the file exactly one line short: that is made good. Whatever else differs
closes the gate: a file that was lost or cut (ROOTS_FILE), a journal that is older than its own roots (JOURNAL_OLDER: a
backup was restored, or its tail was cut), another key (EVIDENCE_KEY_CHANGED).
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from migration.domain.errors import ConfigurationError, GateClosed
from migration.domain.findings import Finding
from migration.journal import verify_journal
from migration.journal.keys import PUBLIC_KEYS, EvidenceKey, public_keys
from migration.journal.locks import FileLock

if TYPE_CHECKING:
    from migration.journal.store import PostgresJournal

ROOTS: Final = "roots.jsonl"
LOCK_S: Final = 60
RESTORE: Final = "find out why; then: cutover journal roots --restore --as NAME --reason TEXT"


class Notary:
    """Seals the journal of one cutover under roots. Errors: GateClosed with the findings of `check`."""

    def __init__(self, journal: PostgresJournal, workspace: Path) -> None:
        self._journal = journal
        self._workspace = workspace
        self.folder = workspace / "evidence"
        self._key: EvidenceKey | None = None
        self._sealed: set[tuple[str, str]] = set()

    @property
    def key(self) -> EvidenceKey:
        """The pair, read or made at the first use; the folder and the public half with it."""
        if self._key is None:
            self._key = EvidenceKey.open(self._workspace)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._key.publish(self.folder)
        return self._key

    def guard(self) -> None:
        """Make sure that file and chain tell the same; make good the one line that a kill can leave out."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.folder / "roots.lock").held(LOCK_S):
            lines = self._journal.root_lines()
            wanted, present = _text(lines), self._present()
            if wanted.startswith(present) and present.count("\n") >= len(lines) - 1 and present != wanted:
                self._append(wanted[len(present) :])
                present = wanted
        found = self._findings(lines, present)
        if found:
            raise GateClosed(*found)

    def seal(self, fence: int | None, gate: str, digest: str) -> None:
        """Add a root for a gate that was decided or has passed; once for each decision of a gate."""
        if (gate, digest) in self._sealed and digest:
            return
        self.guard()
        known = {(r["gate"], r["gate_digest"]) for r in map(json.loads, self._journal.root_lines())}
        if not digest or (gate, digest) not in known:
            self._journal.add_root(fence, gate, digest, self.key)
            self.guard()
        self._sealed.add((gate, digest))

    def check(self) -> tuple[Finding, ...]:
        """Compare file and chain without changing anything; empty when they agree."""
        return self._findings(self._journal.root_lines(), self._present())

    def restore(self, actor: str, reason: str) -> int:
        """Write the file anew from the chain and take the present key into use, by name; returns how many lines."""
        found = [f for f in self.check() if f.code == "JOURNAL_OLDER"]
        if found:
            raise GateClosed(*found)
        lines = self._journal.root_lines()
        self._journal.accept_roots(actor, reason, self.key.name)
        path = self.folder / ROOTS
        path.unlink(missing_ok=True)
        self._append(_text(lines))
        return len(lines)

    def verify(self) -> tuple[Finding, ...]:
        """Check everything that the journal and the file of roots can tell of each other; empty when all holds.

        What came after the last root is checked too, but nothing signed vouches for it yet.
        """
        found = [*self.check()]
        keys = public_keys(self.folder)
        stored = self._journal.verify_stored(keys, sealed=False)
        found += [Finding(one.code, one.subject, verify_journal.WORDS[one.code]) for one in stored]
        damaged = self._journal.damaged_contents()
        return (
            *found,
            *(Finding("CONTENT_CHANGED", name, "the kept bytes are not what was sealed") for name in damaged),
        )

    def export(self, out: Path) -> bool:
        """Write a bundle for an auditor, sealed first where this login may write and the key is at hand.

        Returns whether a root covers everything. GateClosed when file and chain of roots do not agree.
        """
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(ConfigurationError):
            self.seal(None, "export", "")
        self.guard()
        self._journal.export_rows(out)
        for path in (*sorted(self.folder.glob(PUBLIC_KEYS)), Path(verify_journal.__file__)):
            (out / path.name).write_bytes(path.read_bytes())
        found = verify_journal.Verification(verify_journal.bundle(out), public_keys(self.folder)).run()
        return not any(one.code == "TAIL_UNSEALED" for one in found)

    def _findings(self, lines: tuple[str, ...], present: str) -> tuple[Finding, ...]:
        wanted = _text(lines)
        found = []
        if present != wanted:
            ahead = present.startswith(wanted)
            code = "JOURNAL_OLDER" if ahead else "ROOTS_FILE"
            detail = f"the journal has {len(lines)} roots, the file {present.count(chr(10))}"
            mend = "stop: the bank may be ahead of a restored backup; find the newer journal" if ahead else RESTORE
            found.append(Finding(code, f"evidence/{ROOTS}", detail, mend))
        if lines and self.key.name not in {json.loads(lines[-1])["key"], self._journal.accepted_key()}:
            detail = f"the roots so far are signed with another key than {self.key.name}"
            found.append(Finding("EVIDENCE_KEY_CHANGED", "evidence.key", detail, f"bring it back, or {RESTORE}"))
        return tuple(found)

    def _present(self) -> str:
        path = self.folder / ROOTS
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _append(self, text: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / ROOTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def _text(lines: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in lines)
