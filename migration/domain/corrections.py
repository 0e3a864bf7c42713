"""Corrections (更正): what operations mends in the users, with a reason and a name, as a CSV file.

`parse_csv` reads the file, `validate` judges it as a whole (one bad line and nothing is applied), `apply` puts accepted
corrections into the users. Source: contract.md section 3. Findings name lines, never values.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import MISSING, flat, lookup
from migration.domain.correction_lines import FIELDS, Line, as_instant, at_line
from migration.domain.correction_rules import Desk
from migration.domain.errors import InputRefused
from migration.domain.tables import CORRECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from migration.domain.findings import Finding

HEADER: Final = ("user_id", "field", "old", "new", "reason", "by")
ROWS: Final = pa.schema([*((name, pa.string()) for name in HEADER), ("line", pa.int64())])
"""A parsed file: an empty cell is NULL, `line` is the line of the file, from 1 (the header)."""
NEW: Final = pa.schema([field for field in CORRECTIONS if field.name not in {"seq", "importer"}])
"""What `Journal.add_corrections` takes."""

_EXPECTED: Final = ",".join(HEADER)


def apply(users: pa.Table, corrections: pa.Table) -> pa.Table:
    """Put corrections (CORRECTIONS, in order) into SNAPSHOT["users"]; of several for one cell the last one counts.

    A user who is not there is passed over: the correction stays a fact of the journal.
    """
    if not corrections.num_rows:
        return users
    given = corrections.sort_by("seq").select(["user_id", "field", "new"]).to_pylist()
    for field in FIELDS:
        newest = {row["user_id"]: row["new"] for row in given if row["field"] == field}
        if newest:
            at = users.schema.get_field_index(field)
            users = users.set_column(at, users.schema.field(at), _changed(users, field, newest))
    return users


def _changed(users: pa.Table, field: str, newest: dict[str, str | None]) -> pa.Array:
    column = flat(users[field])
    keys = pa.array(list(newest), pa.string())
    at = lookup(users["user_id"], keys)
    values = [as_instant(new) for new in newest.values()] if field == "verified_at" else list(newest.values())
    new = pa.array(values, column.type).take(pa.array(at[at != MISSING]))
    return pc.replace_with_mask(column, pa.array(at != MISSING), new)


def parse_csv(text: str) -> pa.Table:
    """Read a corrections file into ROWS; InputRefused names every line that is no row of six cells."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[Line] = []
    findings: list[Finding] = []
    try:
        header = next(reader, None)
        if header is None or tuple(header) != HEADER:
            raise InputRefused(at_line("CORRECTION_HEADER", 1, f"the first line is not `{_EXPECTED}`"))
        for line, cells in _numbered(reader):
            if len(cells) != len(HEADER):
                findings.append(at_line("CORRECTION_COLUMNS", line, f"{len(cells)} cells instead of {len(HEADER)}"))
            elif not findings:
                rows.append(_line(cells, line))
    except csv.Error:
        findings.append(at_line("CORRECTION_COLUMNS", reader.line_num, "no proper CSV (quotes)"))
    if findings:
        raise InputRefused(*findings)
    return pa.Table.from_pylist([row.as_dict() for row in rows], schema=ROWS)


def _line(cells: Sequence[str], line: int) -> Line:
    user_id, field, old, new, reason, by = (cell or None for cell in cells)
    return Line(user_id, field, old, new, reason, by, line)


def _numbered(reader: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, with the line they begin on (a quoted cell may hold line breaks)."""
    begin = 2
    for cells in reader:
        if cells:
            yield begin, cells
        begin = reader.line_num + 1  # type: ignore[attr-defined]


def validate(
    rows: pa.Table,
    users: pa.Table,
    already: pa.Table,
    book: pa.Table,
    *,
    issues: pa.Table | None = None,
    settled: pa.Array | None = None,
    in_flight: pa.Array | None = None,
) -> pa.Table:
    """Judge a parsed file (ROWS) as a whole; returns what is to be added (NEW), or raises InputRefused.

    `users`: SNAPSHOT["users"]; `already`: the corrections so far, in CORRECTIONS; `book`: the users' book as it stands.
    `issues` (ISSUES of users) tells where the source's value could not be taken, so that any `old` fits.
    `settled`: users recorded as merged; a person's name and ID are carried over to them, or they would fall apart.
    `in_flight`: users in a file at the bank that is not answered yet; they must wait for the answer.

    Lines that repeat what was given last for the same cell change nothing; a file given twice is the same as once.
    """
    lines = [Line(**row) for row in rows.select(ROWS.names).to_pylist()]
    repeated = _repeated(lines, already)
    fresh = [line for line in lines if line.line not in repeated]
    if not fresh:
        return NEW.empty_table()
    desk = Desk.open(fresh, apply(users, already), book, issues=issues, settled=settled, in_flight=in_flight)
    findings = [finding for line in fresh for finding in desk.take(line)] or desk.close()
    if findings:
        raise InputRefused(*findings)
    return pa.Table.from_pylist([line.as_dict() for line in desk.accepted], schema=NEW)


def _repeated(lines: Sequence[Line], already: pa.Table) -> set[int]:
    """Line numbers that repeat the corrections given last for the same user and field, in the same order."""
    known: dict[tuple[str | None, str | None], list[tuple[str | None, ...]]] = {}
    for row in already.sort_by("seq").select(list(HEADER)).to_pylist():
        known.setdefault((row["user_id"], row["field"]), []).append((row["old"], row["new"], row["reason"], row["by"]))
    asked: dict[tuple[str | None, str | None], list[Line]] = {}
    for line in lines:
        asked.setdefault((line.user_id, line.field), []).append(line)
    return {line.line for cell, wanted in asked.items() for line in _overlap(wanted, known.get(cell, []))}


def _overlap(wanted: Sequence[Line], known: Sequence[tuple[str | None, ...]]) -> Sequence[Line]:
    """Find the longest beginning of the file's lines that is the end of what was given before."""
    said = [(line.old, line.new, line.reason, line.by) for line in wanted]
    for count in range(min(len(said), len(known)), 0, -1):
        if said[:count] == list(known[-count:]):
            return wanted[:count]
    return ()
