"""The journal in PostgreSQL: the port `Journal`, put together from its groups of verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migration.clock import SystemClock
from migration.journal.approvals import ApprovalVerbs
from migration.journal.bundle import EvidenceVerbs
from migration.journal.database import Database
from migration.journal.days import DayVerbs
from migration.journal.destruction import DestructionVerbs
from migration.journal.exceptions import ExceptionVerbs
from migration.journal.inquiries import InquiryVerbs
from migration.journal.roots import RootVerbs
from migration.journal.run import RunVerbs
from migration.journal.stages import StageVerbs

if TYPE_CHECKING:
    from migration.domain.ports import Clock


class PostgresJournal(
    RunVerbs,
    InquiryVerbs,
    ExceptionVerbs,
    ApprovalVerbs,
    StageVerbs,
    RootVerbs,
    EvidenceVerbs,
    DayVerbs,
    DestructionVerbs,
):
    """The system of record (R1) on any PostgreSQL; brings the schema up to date when made.

    `url`: an SQLAlchemy URL. `clock` gives the events' times. Errors: ConfigurationError (STORE_URL, STORE_UNREACHABLE,
    STORE_SCHEMA_NEWER, STORE_SCHEMA_CHANGED), TransientError (JOURNAL_UNAVAILABLE after several tries, JOURNAL_BUSY,
    JOURNAL_FULL).
    """

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._db = Database(url, clock or SystemClock())
        try:
            self._db.prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the connections; the object can be used again."""
        self._db.close()
