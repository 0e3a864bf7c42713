"""Daily reconciliation (日终对账): both files of a day are taken in once and judged; differences stop with exit 3.

Not a stage of the cutover: it begins when the cutover is reconciled, and goes on day by day. It converges like everything
else: the same day again says the same, other files under the same names stop.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import pyarrow as pa

from migration.domain.columns import equals
from migration.domain.daily import BALANCES, Day, Reconciled, reconcile, wanted
from migration.domain.errors import ConfigurationError, GateClosed, InputRefused, Waiting
from migration.domain.findings import Finding
from migration.domain.ports import DailyFormat, DayBook
from migration.domain.values import ReconciledDay
from migration.stages import progress
from migration.stages.house import House

STAGE: Final = "daily"
SHOWN: Final = 20
FILES: Final = ("EVE", "ALEVE")
Balances = pa.Table
"""daily.BALANCES."""
_FEN: Final = re.compile(r"-?[0-9]{1,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the daily reconciliation works with beside the ports of the cutover."""

    books: DayBook
    format: DailyFormat
    platform_accounts: tuple[str, ...]  # fee, red packet, master


def run(house: House, desk: Desk, on: date, local: pa.Table | None = None) -> ReconciledDay:
    """Take a day in. `local`: the platform's own balances at its end (daily.BALANCES), if it gives them.

    Waiting(DAILY_FILE_MISSING) until both files are there; GateClosed with the differences, also when asked again.
    """
    if not progress.done(house, "reconcile"):
        raise GateClosed.of("STAGE_ORDER", STAGE, "the cutover is not reconciled yet", "cutover run")
    names = desk.format.names(on)
    contents = _both(house, names, on)
    house.take_over()
    known = {day.day: day for day in desk.books.days()}
    if on not in known and known and on < max(known):
        raise ConfigurationError.of(
            "DAILY_ORDER", on.isoformat(), f"{max(known).isoformat()} was taken in before it", "days go in in order"
        )
    day, rows = _judged(house, desk, on, names, contents, local)
    house.failpoint("daily.before_record")
    desk.books.record_day(house.fence, day, rows)
    house.failpoint("daily.after_record")
    _stop_at_differences(desk, day)
    house.tell(f"{STAGE}: {on.isoformat()} reconciled ({day.aleve_rows} entries, {day.reversals} reversals)")
    return day


def _both(house: House, names: tuple[str, str], on: date) -> tuple[bytes, bytes]:
    """Read both files; Waiting when one is not there, or still growing."""
    found = [house.files.result(name, on) for name in names]
    missing = [
        Finding(
            "DAILY_FILE_MISSING", name, "not there yet, or still being written", "run again when the bank has put it"
        )
        for name, file in zip(names, found, strict=True)
        if file is None or not file.settled
    ]
    eve, aleve = found
    if missing or eve is None or aleve is None:
        raise Waiting(*missing)
    return eve.content, aleve.content


def _judged(
    house: House, desk: Desk, on: date, names: tuple[str, str], contents: tuple[bytes, bytes], local: pa.Table | None
) -> tuple[ReconciledDay, dict[str, pa.Table]]:
    eve, eve_wrong = desk.format.read(FILES[0], contents[0], on)
    aleve, aleve_wrong = desk.format.read(FILES[1], contents[1], on)
    accounts = _accounts(house)
    known = pa.array([*accounts, *(a for a in desk.platform_accounts if a)], pa.string())
    earlier = desk.books.named_movements(on, wanted(aleve))
    found = reconcile(Day(eve, aleve, desk.books.balances(on), earlier, known, local))
    wrong = [
        (name, row) for name, table in zip(names, (eve_wrong, aleve_wrong), strict=True) for row in table.to_pylist()
    ]
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    day = ReconciledDay(
        on, names[0], digests[0], names[1], digests[1], eve.num_rows, aleve.num_rows, found.reversals
    )  # fmt: skip
    return day, {
        "balance": found.closing,
        "movement": found.movements,
        "error": _errors(wrong),
        "difference": _told(found, wrong, accounts),
    }


def _accounts(house: House) -> dict[str, str]:
    """Account -> user, of everybody who was opened."""
    users = house.items("users")
    opened = users.filter(pa.array(equals(users["state"], "ok")))
    return dict(zip(opened["account_no"].to_pylist(), opened["key"].to_pylist(), strict=True))


def _errors(wrong: list[tuple[str, dict[str, object]]]) -> pa.Table:
    rows = [{"file": name, **row} for name, row in wrong]
    kinds = {"file": pa.string(), "record": pa.int64(), "bytes": pa.int64(), "sha256": pa.string(), "why": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))


def _told(found: Reconciled, wrong: list[tuple[str, dict[str, object]]], accounts: dict[str, str]) -> pa.Table:
    """Differences as they are kept and said: the user where one is known, the account by its last four digits."""
    rows = [
        {
            "code": "DAILY_LINE",
            "subject": f"{name}#{row['record']}",
            "detail": f"{row['bytes']} bytes; wrong {row['why']}",
        }
        for name, row in wrong
    ]
    for row in found.differences.to_pylist():
        who = accounts.get(row["account"])
        masked = f"****{row['account'][-4:]}"
        at = f" (record {row['record']})" if row["record"] is not None else ""
        subject = f"users/{who} {masked}" if who else masked
        rows.append({"code": row["code"], "subject": subject, "detail": row["detail"] + at})
    kinds = {"code": pa.string(), "subject": pa.string(), "detail": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))


def _stop_at_differences(desk: Desk, day: ReconciledDay) -> None:
    rows = desk.books.day_rows(day.day, "difference").to_pylist()
    if rows:
        raise GateClosed(
            Finding(
                "DAILY_DIFFERS",
                day.day.isoformat(),
                f"{len(rows)} difference(s); the day is taken in",
                "clear each with the bank; cutover daily --date D --json lists all",
            ),
            *(Finding(row["code"], row["subject"], row["detail"]) for row in rows[:SHOWN]),
        )


def read_local(text: str) -> pa.Table:
    """The platform's balances: CSV `account_no,balance_fen`. InputRefused(DAILY_LOCAL_FILE) names the line."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or rows[0] != ["account_no", "balance_fen"]:
        raise InputRefused.of("DAILY_LOCAL_FILE", "line 1", "the header is not account_no,balance_fen", "see --help")
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]) or not row[0] or _FEN.fullmatch(row[1]) is None or row[0] in seen:
            raise InputRefused.of(
                "DAILY_LOCAL_FILE", f"line {number}", "no account and whole fen, or given twice", "mend it"
            )
        seen[row[0]] = int(row[1])
    return pa.table({"account": list(seen), "balance_fen": list(seen.values())}, schema=BALANCES)


def day_of(text: str) -> date:
    """A day as it is given: ISO. ConfigurationError(DAILY_DATE)."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as wrong:
        raise ConfigurationError.of("DAILY_DATE", "--date", "is no date", "YYYY-MM-DD") from wrong


def as_json(desk: Desk, on: date) -> dict[str, object]:
    """What is known of a day: counts, digests, differences, lines set aside. No personal data."""
    found = next((day for day in desk.books.days() if day.day == on), None)
    if found is None:
        return {"date": on.isoformat(), "taken_in": False}
    kept = {name: desk.books.day_rows(on, name).to_pylist() for name in ("difference", "error")}
    return {
        "date": on.isoformat(),
        "taken_in": True,
        "eve": {"name": found.eve_name, "sha256": found.eve_sha256, "rows": found.eve_rows},
        "aleve": {"name": found.aleve_name, "sha256": found.aleve_sha256, "rows": found.aleve_rows},
        "reversals": found.reversals,
        "differences": kept["difference"],
        "wrong_lines": kept["error"],
    }
