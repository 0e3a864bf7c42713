"""What the journal's verbs share: the store, and the cutover they act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migration.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from migration.journal.database import Database


class Verbs:
    """Base of the groups of verbs that make up `PostgresJournal`."""

    _db: Database
    _no: int | None = None
    _id: str = ""

    @property
    def _cutover(self) -> int:
        """The cutover's number; ConfigurationError before `begin`."""
        if self._no is None:
            raise ConfigurationError.of(
                "JOURNAL_NOT_BEGUN", "journal", "no cutover was begun on it", "call begin first"
            )
        return self._no

    @property
    def _own(self) -> dict[str, object]:
        """The parameter every query takes."""
        return {"cutover": self._cutover}
