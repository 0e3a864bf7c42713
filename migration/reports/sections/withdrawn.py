"""The withdrawals of the residual balances (遗留余额提现): every account closes, day by day, until nothing is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.reports.document import (
    Block,
    Column,
    Drawn,
    Line,
    Mark,
    Paragraph,
    Row,
    Section,
    Series,
    Table,
    Tile,
    Tiles,
)
from migration.reports.material import Material, Withdrawn
from migration.reports.texts import PLACE
from migration.reports.words import Pair, of

DORMANT: Final = timedelta(days=90)
"""An account with money left that nothing moved for so long."""

SIDES: Final = ("opening", "paid", "in_transit", "left")
TONES: Final = {"left": "whole", "in_transit": "warn", "paid": "good"}

WORDS: Final[dict[str, Pair]] = {
    "title": ("遗留余额提现", "Withdrawals of residual balances"),
    "lead": (
        "每户：期初 = 已付 + 在途 + 结余。各数由只增不改的流水重新计算；金额含手续费。",
        "For every account: opening = paid + in transit + left, recomputed from movements that are only ever added; with fees.",
    ),
    "closes": ("账本关口：{0} 户全部平衡。", "Gate of the ledger: all {0} accounts close."),
    "open": (
        "账本关口：{0} 户不平衡，提现应停止。",
        "Gate of the ledger: {0} accounts do not close; withdrawals must stop.",
    ),
    "handed": (
        "期初与本次迁移的遗留余额逐户一致。",
        "The openings are this cutover's residual balances, account by account.",
    ),
    "not_handed": (
        "{0} 户期初与迁移的遗留余额不同。",
        "{0} accounts were opened with another balance than the cutover left.",
    ),
    "opening": ("期初", "Opening"),
    "paid": ("已付", "Paid"),
    "in_transit": ("在途", "In transit"),
    "left": ("结余", "Left"),
    "frozen": ("冻结", "Frozen"),
    "off": ("差额", "Off"),
    "accounts": ("账户", "Accounts"),
    "by_day": ("每日汇总", "By day"),
    "day": ("日期（北京时间）", "Day (Beijing)"),
    "drain": ("余额变化", "How it drains"),
    "by_state": ("提现状态", "Withdrawals by state"),
    "times": ("笔数", "How many"),
    "amount": ("金额", "Amount"),
    "fee": ("手续费", "Fees"),
    "free": ("免费笔数", "Free ones"),
    "requested": ("已申请", "requested"),
    "returned": ("已退回", "returned"),
    "reversed": ("已冲正", "reversed"),
    "moved": ("流水", "Movements"),
    "reserved": ("申请占用", "reserved"),
    "sleeping": ("久未动用", "Dormant"),
    "untouched": ("自开立以来未动用", "not touched since the opening"),
    "quiet": ("自 {0} 起无变动", "no movement since {0}"),
    "by_account": ("逐户", "Account by account"),
    "account": ("原托管账户", "Account"),
    "last": ("最近变动", "Last moved"),
}
SHOWN: Final = 100
"""Accounts on a page; the workbook has all."""


def build(material: Material, language: str) -> Section | None:
    """The books as they stood when the report was made; none: no section (what was not tested says so)."""
    found = material.withdrawn
    if found is None:
        return None
    say = of(language, WORDS)
    return Section("withdrawn", say["title"], list(_blocks(found, material, say)), wide=True)


def open_accounts(found: Withdrawn) -> pa.Table:
    """The accounts that do not close, or whose movements say something else than they do."""
    return found.accounts.filter(_open(found.accounts))


def _open(accounts: pa.Table) -> Any:
    return pc.or_(pc.not_equal(_off(accounts), 0), accounts["differs"])


def other_openings(found: Withdrawn, residuals: pa.Table) -> int:
    """How many accounts stand with another opening than the cutover's residual balance, or on one side only."""
    opened = dict(zip(*(found.accounts[n].to_pylist() for n in ("escrow_id", "opening_fen")), strict=True))
    left = dict(zip(*(residuals[n].to_pylist() for n in ("escrow_id", "available_fen")), strict=True))
    return len(dict(opened.items() ^ left.items()))


def _off(accounts: pa.Table) -> Any:
    """Opening - paid - in transit - left."""
    away = pc.add(pc.add(accounts["paid_fen"], accounts["in_transit_fen"]), accounts["left_fen"])
    return pc.subtract(accounts["opening_fen"], away)


def _blocks(found: Withdrawn, material: Material, say: Mapping[str, str]) -> Iterator[Block]:
    wrong, other = open_accounts(found).num_rows, other_openings(found, material.claim["residuals"])
    sums = {side: _sum(found.accounts[f"{side}_fen"]) for side in SIDES}
    off = sums["opening"] - sums["paid"] - sums["in_transit"] - sums["left"]
    yield Paragraph(say["lead"], lead=True)
    tiles = [Tile(say["accounts"], found.accounts.num_rows), *(Tile(say[n], fen, "fen") for n, fen in sums.items())]
    yield Tiles([*tiles, Tile(say["off"], off, "fen", "bad" if off else "good")])
    yield _said(say, "open" if wrong else "closes", wrong or found.accounts.num_rows, bad=bool(wrong))
    yield _said(say, "not_handed" if other else "handed", other, bad=bool(other))
    today = material.made_at.astimezone(PLACE).date()
    days = list(by_day(found.movements, today))
    names = [Column(say[side], "fen") for side in SIDES]
    rows: list[Row] = [(d.day.isoformat(), d.opening, d.paid, d.in_transit, d.left, d.mark) for d in days]
    yield Table((Column(say["day"], weight=14), *names, Column("", "mark", 4)), rows, say["by_day"])
    series = [Series(say[side], [getattr(d, side) for d in days], tone) for side, tone in TONES.items()]
    yield Line(say["drain"], [d.day.isoformat() for d in days], series, "fen")
    yield from (_states(found, say), _moved(found, say), _sleeping(found, today, say), _accounts(found, say))


@dataclass(frozen=True, slots=True)
class Day:
    """What stood in the evening, all accounts together, in fen."""

    day: date
    opening: int
    paid: int
    in_transit: int

    @property
    def left(self) -> int:
        """What is still there for its owners."""
        return self.opening - self.paid - self.in_transit

    @property
    def mark(self) -> Mark:
        """A day on which more went than was there cannot be."""
        return Mark("✔", "good") if min(self.left, self.paid, self.in_transit) >= 0 else Mark("✖", "bad")


def by_day(movements: pa.Table, until: date) -> Iterator[Day]:
    """Every day from the first movement to the last one or `until`, also those on which nothing moved."""
    moved: dict[tuple[date, str], int] = {(row["day"], row["kind"]): row["fen"] for row in movements.to_pylist()}
    if not moved:
        return
    day, last = min(day for day, _ in moved), max(until, *(day for day, _ in moved))
    opening = paid = in_transit = 0
    while day <= last:
        of = {kind: moved.get((day, kind), 0) for kind in ("opening", "reserved", "paid", "returned", "reversed")}
        opening += of["opening"]
        paid += of["paid"] - of["reversed"]
        in_transit += of["reserved"] - of["paid"] - of["returned"]
        yield Day(day, opening, paid, in_transit)
        day += timedelta(days=1)


def _said(say: Mapping[str, str], word: str, number: int, *, bad: bool) -> Paragraph:
    return Paragraph(say[word].format(f"{number:,}"), "bad" if bad else "good")


def _states(found: Withdrawn, say: Mapping[str, str]) -> Table:
    names = ("times", "amount_fen", "fee_fen", "free")
    rows: list[Row] = [(say[row["state"]], *(row[name] for name in names)) for row in found.states.to_pylist()]
    rows.append((say["total"], *(_sum(found.states[name]) for name in names)))
    columns = (Column(say["state"], weight=16), Column(say["times"], "count"), Column(say["amount"], "fen"),
               Column(say["fee"], "fen"), Column(say["free"], "count"))  # fmt: skip
    return Table(columns, rows, say["by_state"], total=True)


def _moved(found: Withdrawn, say: Mapping[str, str]) -> Table:
    """Each kind over all days."""
    sums: dict[str, list[int]] = {}
    for row in found.movements.to_pylist():
        both = sums.setdefault(row["kind"], [0, 0])
        both[0], both[1] = both[0] + row["times"], both[1] + row["fen"]
    columns = (Column(say["moved"], weight=16), Column(say["times"], "count"), Column(say["amount"], "fen"))
    return Table(columns, [(say[kind], *both) for kind, both in sorted(sums.items())], say["moved"])


def _sleeping(found: Withdrawn, today: date, say: Mapping[str, str]) -> Table:
    since = today - DORMANT
    left = found.accounts.filter(pc.greater(found.accounts["left_fen"], 0))
    moved = [None if at is None else at.astimezone(PLACE).date() for at in left["moved_at"].to_pylist()]
    never = left.filter(pa.array([day is None for day in moved], pa.bool_()))
    quiet = left.filter(pa.array([day is not None and day < since for day in moved], pa.bool_()))
    rows: list[Row] = [
        (word, table.num_rows, _sum(table["left_fen"]))
        for word, table in ((say["untouched"], never), (say["quiet"].format(since.isoformat()), quiet))
    ]
    columns = (Column(say["sleeping"], weight=30), Column(say["accounts"], "count"), Column(say["left"], "fen"))
    return Table(columns, rows, say["sleeping"])


def _accounts(found: Withdrawn, say: Mapping[str, str]) -> Table:
    """Each account; those that do not close are the first."""
    closing = found.accounts.filter(pc.invert(_open(found.accounts)))
    ordered = pa.concat_tables([open_accounts(found), closing])

    def row(one: Mapping[str, Any]) -> Row:
        sides = [one[f"{side}_fen"] for side in SIDES]
        wrong = one["differs"] or sides[0] != sum(sides[1:])
        return (
            one["escrow_id"],
            *sides,
            one["frozen_fen"],
            one["moved_at"],
            Mark("✖", "bad") if wrong else Mark("✔", "good"),
        )

    columns = (Column(say["account"], "code", 18), *(Column(say[side], "fen") for side in SIDES), Column(say["frozen"], "fen"),
               Column(say["last"], "time"), Column("", "mark", 4))  # fmt: skip
    return Table(columns, Drawn(ordered, row), say["by_account"], shown=SHOWN)


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
