"""Judge a result file as a whole (reliability.md R10).

Whole records, strict text, known batch, every sent row answered once, every echo equal. What an
answer means is judged by record type in `answers`.

The steps build on one another, so the file is refused at the end of the first step that found anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank.cells import Mask, Matrix, NotReadable, Numbers
from migration.bank.codec import Records, cut, read_numbers, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migration.bank.layouts import Field, Layout
    from migration.bank.reasons import Reasons

LF: Final = b"\n"
CRLF: Final = b"\r\n"
BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
ENCODING_FAULTS: Final = frozenset({"text", "ascii"})
DATE_WIDTH: Final = 8
DEALT_ON: Final = ("INPDATE", "DEALDATE")
"""When the bank dealt with a record; blank where it did not."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A readable result beside what was sent: `sent` has the requests' records in the order of the answers.

    `record` is the request record (from 0) that each answer belongs to.
    """

    sent: Records
    answered: Records
    record: Numbers

    def differs(self, name: str) -> Mask:
        """Where a field that both files have was not returned as it was sent. Same width, same padding: bytes."""
        different: Mask = (self.sent.cut(name) != self.answered.cut(name)).any(axis=1)
        return different


def read(layout: Layout, content: bytes, reasons: Reasons) -> Records:
    """Cut and decode a result. LF or CRLF, one kind throughout; sizes that are no whole number are `incomplete`."""
    if content.startswith(BYTE_ORDER_MARKS):
        reasons.whole("RESULT_ENCODING", "begins with a byte order mark")
        reasons.stop()
    ending = content[layout.width : layout.width + 2]
    line_ending = CRLF if ending in {CRLF, b"\r"} else LF  # a file cut after its first CR ends there
    unit = layout.width + len(line_ending)
    if not content or len(content) % unit:
        reasons.whole("RESULT_TRUNCATED", f"{len(content)} bytes are no whole number of records of {unit} bytes")
        reasons.stop(incomplete=True)
    try:
        records = cut(layout, content, line_ending)
    except NotReadable as fault:
        reasons.where(_only(fault.row), "RESULT_FORMAT", "record does not end with the file's line ending")
        reasons.stop()
        raise
    for field in layout.fields:
        _readable(records, field, reasons)
    reasons.stop()
    return records


def _only(row: int) -> Mask:
    """Return a mask that holds for one row only."""
    only: Mask = np.arange(row + 1) == row
    return only


def _readable(records: Records, field: Field, reasons: Reasons) -> None:
    """Decode one field of all records, strictly; go on behind a bad one, so that the note names more than the first."""
    piece = records.cut(field.name)
    code = "RESULT_ENCODING" if field.kind in ENCODING_FAULTS else "RESULT_FORMAT"
    first = 0
    while first < len(piece) and reasons.room:
        fault = _fault(piece[first:], field)
        if fault is None:
            return
        first += fault.row + 1
        reasons.where(_only(first - 1), code, f"field {field.name} {fault.why}")


def _fault(piece: Matrix, field: Field) -> NotReadable | None:
    """Return the first record that cannot be read."""
    try:
        if field.kind == "number":
            read_numbers(piece, field)
        elif field.kind == "date":
            _dates(read_text(piece, field), field)
        else:
            read_text(piece, field)
    except NotReadable as fault:
        return fault
    return None


def _dates(values: pa.Array, field: Field) -> None:
    """Refuse what is neither blank nor a date; a file has few different ones."""
    different = pc.unique(values)
    bad = pa.array([text for text in different.to_pylist() if text and not _is_date(text)], pa.string())
    if len(bad):
        at = int(np.argmax(np.asarray(pc.is_in(values, value_set=bad))))
        raise NotReadable(at, field.name, "is no date")


def _is_date(text: str) -> bool:
    if len(text) != DATE_WIDTH or not (text.isascii() and text.isdigit()):
        return False
    try:
        datetime.strptime(text, "%Y%m%d")
    except ValueError:
        return False
    return True


def join(request: Records, answered: Records, key: str, request_name: str, reasons: Reasons) -> Pair:
    """Find each answer's request record: every one answered exactly once, in any order."""
    at = pc.index_in(_keys(answered, key), value_set=_keys(request, key))
    record = np.asarray(pc.fill_null(at, -1), np.int64)
    known = record >= 0
    times = np.bincount(record[known], minlength=len(request))
    again = np.zeros(len(record), np.bool_)
    again[known] = times[record[known]] > 1
    reasons.where(~known, "RESULT_ROW_UNKNOWN", f"field {key} names no record of the request")
    reasons.where(again, "RESULT_ROW_DOUBLED", f"field {key} is answered more than once")
    reasons.where(times == 0, "RESULT_ROW_MISSING", "request record is not answered", request_name)
    reasons.stop()
    return Pair(request.take(record), answered, record)


def _keys(records: Records, key: str) -> pa.Array:
    """Return the padded key fields as fixed-size binary: no decoding for a join."""
    piece = records.cut(key)
    return pa.Array.from_buffers(pa.binary(piece.shape[1]), len(piece), [None, pa.py_buffer(piece.tobytes())])


def header(records: Records, expected: dict[str, bytes], reasons: Reasons) -> None:
    """Check that every record names this bank and this batch (APPZX records carry neither)."""
    for name, value in expected.items():
        piece = records.cut(name)
        wrong = (piece != np.frombuffer(value.ljust(piece.shape[1]), np.uint8)).any(axis=1)
        reasons.where(wrong, "RESULT_HEADER", f"field {name} is not the batch's")


def not_before(records: Records, business_date: date, reasons: Reasons) -> None:
    """Check that the bank dealt with no record before the batch's own date: that would be another day's file."""
    first = business_date.isoformat().replace("-", "")
    for field in records.layout.fields:
        if field.name in DEALT_ON:
            values = records.text(field.name)
            early = np.asarray(pc.and_(pc.not_equal(values, ""), pc.less(values, first)))
            reasons.where(early, "RESULT_HEADER", f"field {field.name} lies before the batch's date")


def echo(pair: Pair, names: Sequence[str], reasons: Reasons) -> None:
    """Check that fields came back as they were sent."""
    for name in names:
        reasons.where(pair.differs(name), "RESULT_ECHO", f"field {name} differs from what was sent")


def doubled(values: pa.Array, among: Mask) -> Mask:
    """Where a value stands more than once among the chosen rows (blank and unchosen ones never)."""
    chosen = values.filter(pa.array(among))
    counts = pc.value_counts(chosen)
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    twice: Mask = among & np.asarray(pc.is_in(values, value_set=repeated))
    return twice
