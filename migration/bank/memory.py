"""The in-memory double of the port `Files`; passes the same contract tests as the directory transport."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from migration.bank.keeping import SETTLED_AFTER_S, manifest_text, note_of
from migration.bank.names import allowed
from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.domain.values import ResultFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from migration.domain.ports import Clock


@dataclass(slots=True)
class MemoryFiles:
    """Port `Files` in memory. Tests read `sent`, put answers with `answer`, and look at `quarantined`, `manifests`."""

    clock: Clock
    sent: dict[tuple[date, str], bytes] = field(default_factory=dict)
    answers: dict[tuple[date, str], tuple[bytes, float]] = field(default_factory=dict)
    quarantined: dict[str, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)

    def answer(self, name: str, business_date: date, content: bytes, age_s: float = 60.0) -> None:
        """Put a result there, last written to `age_s` seconds ago."""
        self.answers[business_date, name] = (content, self.clock.now().timestamp() - age_s)

    def deliver(self, name: str, business_date: date, content: bytes) -> None:
        """Put a request there; GateClosed(REQUEST_CONFLICT) when other content stands under the name."""
        allowed(name, business_date)
        if self.sent.setdefault((business_date, name), content) != content:
            raise GateClosed(Finding("REQUEST_CONFLICT", name, "other content stands under this name"))

    def result(self, name: str, business_date: date) -> ResultFile | None:
        """Return the result, or None when it is not there."""
        allowed(name, business_date)
        found = self.answers.get((business_date, name))
        if found is None:
            return None
        content, written = found
        return ResultFile(content, settled=abs(self.clock.now().timestamp() - written) >= SETTLED_AFTER_S)

    def quarantine(self, name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> str:
        """Move a result out of the exchange; the same content again finds its old place."""
        allowed(name, business_date)
        places = (f"quarantine/{name}.{number}" if number else f"quarantine/{name}" for number in count())
        place = next(each for each in places if self.quarantined.get(each, (content, {}))[0] == content)
        self.quarantined[place] = (content, note_of(name, business_date, content, reasons))
        if self.answers.get((business_date, name), (b"", 0.0))[0] == content:
            self.answers.pop((business_date, name), None)
        return place

    def manifest(self, name: str, facts: Mapping[str, object]) -> None:
        """Write (or overwrite) the manifest of a file."""
        allowed(name, None)
        self.manifests[name] = manifest_text(facts)
