"""EVE and ALEVE of profile `jx` (日终对账文件): names, and the way from bytes to entries, in blocks.

A line of the wrong length, or with a field that cannot be read, is set aside with its number and digest; the others stand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank.cells import CHUNK, NotReadable
from migration.bank.codec import Records, decode
from migration.bank.layouts import layout
from migration.bank.names import day as printed
from migration.bank.names import parameter
from migration.domain.daily import ENTRIES
from migration.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from migration.bank.layouts import Layout

REVERSAL: Final = "0420"
NO_NUMBER: Final = ("", "000000")
WRONG: Final = pa.schema([("record", pa.int64()), ("bytes", pa.int64()), ("sha256", pa.string()), ("why", pa.string())])
"""Lines set aside: number from 1, length in bytes, digest of the bytes, why (no content)."""


@dataclass(frozen=True, slots=True)
class JxDaily:
    """The two files of a day. `product` 4 digits or letters, `bank_no` 4 digits."""

    product: str
    bank_no: str = "3005"

    def names(self, on: date) -> tuple[str, str]:
        """EVE's and ALEVE's name. ConfigurationError(DAILY_LAYOUT) for a day before the first layout that is known."""
        parameter("product", self.product, "[0-9A-Z]{4}")
        self._layout("EVE", on)
        return tuple(f"{self.bank_no}-{what}{self.product}-{printed(on)}" for what in ("EVE", "ALEVE"))  # type: ignore[return-value]

    def read(self, what: str, content: bytes, on: date) -> tuple[pa.Table, pa.Table]:
        """Entries (ENTRIES) and the lines set aside (WRONG) of `EVE` or `ALEVE`."""
        shape = self._layout(what, on)
        shaped = _eve if what == "EVE" else _aleve
        entries, wrong = [ENTRIES.empty_table()], []
        for first, lines in _blocks(content):
            good = [(first + n, line) for n, line in enumerate(lines) if len(line) == shape.width]
            wrong += [_aside(first + n, line, "length") for n, line in enumerate(lines) if len(line) != shape.width]
            table, unread = _entries(shape, [line for _, line in good], [n for n, _ in good])
            wrong += [_aside(number, line, "content") for number, line in unread]
            entries.append(shaped(table))
        return pa.concat_tables(entries).combine_chunks(), pa.Table.from_pylist(wrong, schema=WRONG).sort_by("record")

    @staticmethod
    def _layout(what: str, on: date) -> Layout:
        try:
            return layout(what, on)
        except LookupError as unknown:
            raise ConfigurationError.of(
                "DAILY_LAYOUT",
                what,
                f"the layout in force on {on.isoformat()} is not known",
                "ask the bank for it; the layouts since 2017-09-21 are",
            ) from unknown


def _blocks(content: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Lines without their ending, by the block; each with the number of its first line. LF or CRLF."""
    number, at = 1, 0
    lines: list[bytes] = []
    while at < len(content):
        end = content.find(b"\n", at)
        stop = len(content) if end < 0 else end
        lines.append(content[at:stop].removesuffix(b"\r"))
        at = stop + 1
        if len(lines) == CHUNK:
            yield number, lines
            number, lines = number + len(lines), []
    if lines:
        yield number, lines


def _aside(number: int, line: bytes, why: str) -> dict[str, object]:
    return {"record": number, "bytes": len(line), "sha256": hashlib.sha256(line).hexdigest(), "why": why}


def _entries(shape: Layout, lines: list[bytes], numbers: list[int]) -> tuple[pa.Table, list[tuple[int, bytes]]]:
    """Decode a block at once; where that cannot be done, find the lines that cannot be read one by one."""
    try:
        return _decoded(shape, lines, numbers), []
    except NotReadable:
        sound = [_sound(shape, line) for line in lines]
    unread = [(n, line) for n, line, fine in zip(numbers, lines, sound, strict=True) if not fine]
    kept = [(n, line) for n, line, fine in zip(numbers, lines, sound, strict=True) if fine]
    return _decoded(shape, [line for _, line in kept], [n for n, _ in kept]), unread


def _sound(shape: Layout, line: bytes) -> bool:
    try:
        _decoded(shape, [line], [1])
    except NotReadable:
        return False
    return True


def _decoded(shape: Layout, lines: list[bytes], numbers: list[int]) -> pa.Table:
    matrix = np.frombuffer(b"".join(lines), np.uint8).reshape(-1, shape.width)
    table = decode(Records(shape, matrix))
    _readable(table)
    return table.append_column("record", pa.array(numbers, pa.int64()))


def _readable(table: pa.Table) -> None:
    """A direction is C or D, an account is given."""
    bad = np.asarray(pc.or_(pc.invert(pc.is_in(table["CRFLAG"], pa.array(["C", "D"]))), pc.equal(table["CARDNBR"], "")))
    if bad.any():
        raise NotReadable(int(np.argmax(bad)), "CRFLAG", "is neither C nor D, or no account is given")


def _eve(table: pa.Table) -> pa.Table:
    rows = table.num_rows
    return _built(
        table,
        currency=pa.nulls(rows, pa.string()),
        original=table["ORDERNO"],
        balance_fen=pa.nulls(rows, pa.int64()),
        reversal=pc.equal(table["MSGTYPE"], REVERSAL),
    )


def _aleve(table: pa.Table) -> pa.Table:
    named = pc.invert(pc.is_in(table["ORI_TRANNO"], pa.array(NO_NUMBER)))
    return _built(
        table,
        currency=table["CUR"],
        original=pc.if_else(named, table["ORI_TRANNO"], pa.scalar(None, pa.string())),
        balance_fen=table["CURR_BAL"],
        reversal=pc.and_(named, pc.equal(table["REVIND"], "1")),
    )


def _built(table: pa.Table, **own: pa.ChunkedArray | pa.Array) -> pa.Table:
    columns = {
        "record": table["record"],
        "account": table["CARDNBR"],
        "amount_fen": table["AMOUNT"],
        "sign": table["CRFLAG"],
        "tranno": table["TRANNO"],
        "kind": table["TRANSTYPE"],
        **own,
    }
    return pa.table({name: columns[name] for name in ENTRIES.names}, schema=ENTRIES)
