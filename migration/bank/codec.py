"""Bytes <-> Arrow for fixed-width GBK records, as byte matrices of some thousand rows at a time; strict both ways.

Writing never truncates, replaces or guesses: what does not fit raises `DoesNotFit` (a ValueError) that names the
record (from 1) and the field, never the value. Reading cuts fields by byte offsets before anything is decoded, since
236 two-byte GBK characters have 0x7C or 0x5C as their second byte. A space (0x20) and a line feed (0x0A) are never the
second byte of a GBK character, so padding and separators are safe to find in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank.cells import (
    CHUNK,
    DELETE,
    ENCODING,
    FIRST_HIGH,
    LINE_FEED,
    SPACE,
    ZERO,
    Column,
    DoesNotFit,
    Mask,
    Matrix,
    NotReadable,
    Numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from migration.bank.layouts import Field, Layout

_FOUR: Final = 4
LAST_DIGIT: Final = 9
_LOOKUP: Final[Matrix] = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint8).reshape(-1, 4)
"""The four digits of 0000 to 9999."""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """A file cut into records: `matrix` is (rows, layout.width) without the line endings."""

    layout: Layout
    matrix: Matrix

    def __len__(self) -> int:
        """How many records."""
        return len(self.matrix)

    def cut(self, name: str) -> Matrix:
        """Return the bytes of one field, (rows, field width)."""
        field = self.layout[name]
        return self.matrix[:, field.start : field.stop]

    def text(self, name: str) -> pa.Array:
        """One field as text without its right padding; NotReadable when it is no GBK text."""
        return read_text(self.cut(name), self.layout[name])

    def take(self, rows: Numbers) -> Records:
        """Return the records in another order."""
        return Records(self.layout, self.matrix[rows])


# --- writing ------------------------------------------------------------------------------------------------------


def encode(layout: Layout, columns: Mapping[str, Column], rows: int, line_ending: bytes) -> bytes:
    """Write a file: every record, the last too, ends with the line ending. `columns` names every field."""
    return b"".join(encoded(layout, columns, rows, line_ending))


def encoded(layout: Layout, columns: Mapping[str, Column], rows: int, line_ending: bytes) -> Iterator[bytes]:
    """Write a file piece by piece, CHUNK records each: beside the columns it needs the memory of one piece."""
    if set(columns) != {field.name for field in layout.fields}:
        msg = f"layout {layout.name}: columns do not name every field once"
        raise ValueError(msg)
    matrix = np.empty((min(rows, CHUNK), layout.width + len(line_ending)), np.uint8)
    matrix[:, layout.width :] = np.frombuffer(line_ending, np.uint8)
    for first in range(0, rows, CHUNK):
        block = matrix[: rows - first]
        for field in layout.fields:
            try:
                _write(block[:, field.start : field.stop], field, _part(columns[field.name], first))
            except DoesNotFit as fault:
                raise DoesNotFit(first + fault.record, fault.field, fault.why) from None
        yield block.tobytes()


def _part(column: Column, first: int) -> Column:
    return column if isinstance(column, bytes) else column[first : first + CHUNK]


def _write(target: Matrix, field: Field, column: Column) -> None:
    if isinstance(column, bytes):
        _write_constant(target, field, column)
    elif field.kind == "number":
        _write_numbers(target, field, np.asarray(column, np.int64))
    elif field.kind == "date":
        _write_numbers(target, field, _date_numbers(column, field))
    else:
        _write_text(target, field, column)


def _write_constant(target: Matrix, field: Field, value: bytes) -> None:
    if len(value) > field.width or (field.kind == "number" and len(value) < field.width):
        raise DoesNotFit(1, field.name, f"constant of {len(value)} bytes in a field of {field.width}")
    target[:] = np.frombuffer(value.ljust(field.width), np.uint8)


def _write_numbers(target: Matrix, field: Field, values: Numbers) -> None:
    """Digits four at a time by look-up, from the right."""
    _refuse((values < 0) | (values >= 10**field.width), field, f"is no number of at most {field.width} digits")
    right = field.width
    while right > 0:
        left = max(right - _FOUR, 0)
        values, group = np.divmod(values, 10_000)
        target[:, left:right] = _LOOKUP[group, _FOUR - (right - left) :]
        right = left


def _date_numbers(column: pa.Array, field: Field) -> Numbers:
    """date32 -> YYYYMMDD as a number."""
    _refuse(np.asarray(pc.is_null(column)), field, "is missing")
    days = column.cast(pa.int32()).to_numpy().astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    year = years.astype(np.int64) + 1970
    _refuse((year < 1) | (year > 9_999), field, "is no date of four-digit year")  # noqa: PLR2004 - a calendar's end
    month = (months - years).astype(np.int64) + 1
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    result: Numbers = (year * 100 + month) * 100 + day
    return result


def _write_text(target: Matrix, field: Field, column: pa.Array) -> None:
    payload, lengths = _encoded(pc.fill_null(column, ""), field)
    _refuse(lengths > field.width, field, f"is longer than {field.width} bytes")
    target[:] = SPACE
    if not len(lengths):
        return
    longest = int(lengths.max())
    if longest == int(lengths.min()):  # account numbers, phones, blanks: no mask needed
        target[:, :longest] = payload.reshape(len(lengths), longest)
    else:
        target[:, :longest][np.arange(longest) < lengths[:, None]] = payload


def _encoded(column: pa.Array, field: Field) -> tuple[Matrix, Numbers]:
    """All values' bytes one after the other, and each one's length. One codec call for the whole chunk."""
    utf8, offsets = _utf8(column)
    _refuse_bytes((utf8 < SPACE) | (utf8 == DELETE), offsets, field, "holds a control character")
    if not len(utf8) or utf8.max() < FIRST_HIGH:
        return utf8, np.diff(offsets)
    if field.kind == "ascii":
        _refuse_bytes(utf8 >= FIRST_HIGH, offsets, field, "holds a character outside ASCII")
    joined = "\n".join(column.to_pylist())
    bad = -1
    try:
        encoded = joined.encode(ENCODING)
    except UnicodeEncodeError as fault:
        bad = joined.count("\n", 0, fault.start)
    if bad >= 0:  # raised out here: the codec's own exception holds the names of the whole chunk
        raise DoesNotFit(bad + 1, field.name, f"holds a character outside {ENCODING}")
    return _split_lines(encoded)


def _utf8(column: pa.Array) -> tuple[Matrix, Numbers]:
    """Return the column's UTF-8 bytes and its offsets into them."""
    _, ends, data = column.cast(pa.string()).buffers()
    offsets = np.frombuffer(ends, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    whole = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return whole[offsets[0] : offsets[-1]], offsets - offsets[0]


def _split_lines(joined: bytes) -> tuple[Matrix, Numbers]:
    """Lines joined by line feeds -> their bytes one after the other, and each one's length."""
    data = np.frombuffer(joined, np.uint8)
    feeds = data == LINE_FEED
    ends = np.append(np.flatnonzero(feeds), len(data))
    return data[~feeds], np.diff(ends, prepend=-1) - 1


def _refuse(bad: Mask, field: Field, why: str) -> None:
    if bad.any():
        raise DoesNotFit(int(np.argmax(bad)) + 1, field.name, why)


def _refuse_bytes(bad: Mask, offsets: Numbers, field: Field, why: str) -> None:
    if bad.any():
        at = int(np.argmax(bad))
        raise DoesNotFit(int(np.searchsorted(offsets, at, side="right")), field.name, why)


# --- reading ------------------------------------------------------------------------------------------------------


def cut(layout: Layout, content: bytes, line_ending: bytes) -> Records:
    """Cut a file of whole records; ValueError when its size or one of its line endings is wrong."""
    unit = layout.width + len(line_ending)
    if len(content) % unit:
        msg = f"{len(content)} bytes are no whole number of records of {unit}"
        raise ValueError(msg)
    matrix = np.frombuffer(content, np.uint8).reshape(-1, unit)
    endings = matrix[:, layout.width :] == np.frombuffer(line_ending, np.uint8)
    if not endings.all():
        raise NotReadable(int(np.argmin(endings.all(axis=1))), "line ending", "is not the file's line ending")
    return Records(layout, matrix[:, : layout.width])


def decode(records: Records) -> pa.Table:
    """Every field: numbers as int64, all else as text without padding (dates too: a result's date may be blank)."""
    return pa.table({field.name: _read(records, field) for field in records.layout.fields})


def decoded(layout: Layout, file: BinaryIO, line_ending: bytes) -> Iterator[pa.Table]:
    """Read an open file piece by piece, CHUNK records each, in the memory of one; errors as `cut` and `decode`."""
    unit = layout.width + len(line_ending)
    first = 0
    while content := file.read(CHUNK * unit):
        try:
            yield decode(cut(layout, content, line_ending))
        except NotReadable as fault:
            raise NotReadable(first + fault.row, fault.field, fault.why) from None
        first += CHUNK


def _read(records: Records, field: Field) -> pa.Array:
    piece = records.cut(field.name)
    return pa.array(read_numbers(piece, field)) if field.kind == "number" else read_text(piece, field)


def read_numbers(piece: Matrix, field: Field) -> Numbers:
    """Zero-padded digits -> int64; NotReadable on anything that is no ASCII digit."""
    values = np.zeros(len(piece), np.int64)
    for first, block in _blocks(piece):
        digits = np.ascontiguousarray(block) - np.uint8(ZERO)  # bytes below `0` wrap round to large numbers
        if digits.max() > LAST_DIGIT:
            raise NotReadable(first + int(np.argmax((digits > LAST_DIGIT).any(axis=1))), field.name, "is no number")
        values[first : first + len(block)] = digits @ 10 ** np.arange(field.width - 1, -1, -1)
    return values


def read_text(piece: Matrix, field: Field) -> pa.Array:
    """Read padded text; NotReadable on control bytes, half characters, bytes outside the field's alphabet."""
    parts: list[pa.Array] = []
    for first, block in _blocks(piece):
        try:
            parts.append(_read_block(np.ascontiguousarray(block), field))
        except NotReadable as fault:
            raise NotReadable(first + fault.row, fault.field, fault.why) from None
    return pa.chunked_array(parts, pa.string()).combine_chunks()


def _blocks(piece: Matrix) -> Iterator[tuple[int, Matrix]]:
    for first in range(0, len(piece), CHUNK):
        yield first, piece[first : first + CHUNK]


def _read_block(block: Matrix, field: Field) -> pa.Array:
    highest = block.max()
    if block.min() < SPACE or (highest >= DELETE and (block == DELETE).any()):
        bad = (block < SPACE) | (block == DELETE)
        raise NotReadable(int(np.argmax(bad.any(axis=1))), field.name, "holds a control byte")
    used = _used(block)
    if highest >= FIRST_HIGH:
        if field.kind == "ascii":
            raise NotReadable(int(np.argmax((used >= FIRST_HIGH).any(axis=1))), field.name, "is not ASCII")
        return _read_gbk(used, field)
    lengths = _lengths(used)
    if lengths.min() == used.shape[1]:
        return _strings(used.ravel(), lengths)
    return _strings(used[np.arange(used.shape[1]) < lengths[:, None]], lengths)


def _used(block: Matrix) -> Matrix:
    """Drop the columns on the right that are blank in every row."""
    columns = np.flatnonzero((block != SPACE).any(axis=0))
    return np.ascontiguousarray(block[:, : columns[-1] + 1 if len(columns) else 0])


def _lengths(used: Matrix) -> Numbers:
    """Bytes before the right padding."""
    if not used.shape[1] or (used[:, -1] != SPACE).all():
        return np.full(len(used), used.shape[1], np.int64)
    filled = used[:, ::-1] != SPACE
    lengths: Numbers = np.where(filled.any(axis=1), used.shape[1] - np.argmax(filled, axis=1), 0).astype(np.int64)
    return lengths


def _read_gbk(block: Matrix, field: Field) -> pa.Array:
    """One strict codec call: a line feed after each field stops a half character from eating its neighbour."""
    lines = np.full((len(block), block.shape[1] + 1), LINE_FEED, np.uint8)
    lines[:, :-1] = block
    raw = lines.tobytes()
    bad = -1
    try:
        text = raw.decode(ENCODING)
    except UnicodeDecodeError as fault:
        bad = fault.start // lines.shape[1]
    if bad >= 0:
        raise NotReadable(bad, field.name, f"is no {ENCODING} text")
    payload, lengths = _split_lines(text[:-1].encode())
    return pc.utf8_rtrim(_strings(payload, lengths), characters=" ")


def _strings(payload: Matrix, lengths: Numbers) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers: list[Any] = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(payload))]
    return pa.Array.from_buffers(pa.string(), len(lengths), buffers)
