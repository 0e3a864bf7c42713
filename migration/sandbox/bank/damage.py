"""A result file about to be spoilt, and the handles to spoil it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

    from migration.sandbox.bank.tables import Exchange

GBK_LEAD: Final = 0x81


@dataclass(slots=True)
class Damage:
    """A result about to be spoilt. `at` is the record meant, from 0; `earlier` an older result of the same kind."""

    exchange: Exchange
    records: list[bytes]
    eol: bytes
    at: int
    options: dict[str, Any]
    random: Random
    earlier: bytes | None

    def whole(self) -> bytes:
        """Return the file as it stands now."""
        return b"".join(record + self.eol for record in self.records)

    def get(self, field: str, at: int | None = None) -> bytes:
        """Return a field of the record meant, or of another."""
        return self.records[self.at if at is None else at][self.exchange.result.place(field)]

    def put(self, field: str, value: bytes) -> bytes:
        """Overwrite a field of the record meant (blanks to the right) and return the file."""
        place = self.exchange.result.place(field)
        record = self.records[self.at]
        self.records[self.at] = record[: place.start] + value.ljust(place.stop - place.start) + record[place.stop :]
        return self.whole()

    def good(self) -> list[int]:
        """Positions of the records with a good answer, the one meant first, then those after it, round."""
        count = len(self.records)
        order = [(self.at + step) % count for step in range(count)]
        return [at for at in order if self.get(self.exchange.code, at) == self.exchange.success]

    def flip(self, field: str) -> bytes:
        """Change the last byte of a field that is not blank; a blank field gets a letter."""
        value = self.get(field)
        body = value.rstrip(b" ")
        last = body[-1:] if body else b""
        if last.isdigit():
            return self.put(field, body[:-1] + b"%d" % ((int(last) + 1) % 10))
        two = bool(last) and (last[0] >= GBK_LEAD or body[-2:-1] >= bytes([GBK_LEAD]))
        new = "某".encode("gbk") if two else b"Y" if last == b"X" else b"X"
        return self.put(field, body[: -len(new)] + new if body else new)
