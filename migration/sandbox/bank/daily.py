"""The day cut: invented movements of the day, and the two reconciliation files (bank-interface.md section 6).

Top-ups, withdrawals, reversals of withdrawals (also of earlier days) and transfers between customers, by seed and day:
the same books, seed and day give the same files. A day that was cut is written again as it was.
"""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final

from migration.sandbox.bank import exchange
from migration.sandbox.bank.movements import Movement

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from migration.sandbox.bank.ledger import Ledger

TOP_UP, WITHDRAWAL, PAID, RECEIVED = "7822", "2820", "2780", "7780"
WORDS: Final = {TOP_UP: "充值", WITHDRAWAL: "提现", PAID: "转出", RECEIVED: "转入"}
CHANNEL: Final = (TOP_UP, WITHDRAWAL)
"""What comes through the channels and so stands in EVE too."""


def cut_day(ledger: Ledger, directory: Path, day: date, *, seed: int, product: str, moves: int = 20) -> tuple[str, str]:
    """Write EVE and ALEVE of a day under `in/YYYY/MM/DD/`; returns their names."""
    stamp = day.strftime("%Y%m%d")
    with ledger.transaction():
        movements = ledger.movements(stamp)
        if not movements:
            movements = _invented(ledger, stamp, Random(sha256(f"{seed}|{stamp}".encode()).hexdigest()), moves)  # noqa: S311
            ledger.add_movements(movements)
    folder = directory / "in" / stamp[:4] / stamp[4:6] / stamp[6:]
    names = (f"3005-EVE{product}-{stamp}", f"3005-ALEVE{product}-{stamp}")
    eve = b"".join(_eve(one) for one in movements if one.kind in CHANNEL)
    exchange.write(folder / names[0], eve)
    exchange.write(folder / names[1], b"".join(_aleve(one) for one in movements))
    return names


class _Till:
    """The day's entries in the making."""

    def __init__(self, ledger: Ledger, stamp: str) -> None:
        self.stamp = stamp
        self.made: list[Movement] = []
        self.balances = ledger.balances()
        self.open = ledger.unreversed(WITHDRAWAL)

    def enter(self, account: str, kind: str, fen: int, *, back: Movement | None = None, other: str = "") -> Movement:
        """Book one entry."""
        number = f"{len(self.made) + 1:06d}"
        balance = self.balances[account] = self.balances.get(account, 0) + fen
        order = back.order_no if back else f"{kind}{self.stamp}{number}"
        entry = Movement(self.stamp, number, account, kind, fen, balance, back.tranno if back else "", order, other)
        self.made.append(entry)
        return entry


def _invented(ledger: Ledger, stamp: str, random: Random, moves: int) -> list[Movement]:
    till, accounts = _Till(ledger, stamp), ledger.account_numbers()
    for _ in range(moves if accounts else 0):
        account, draw = random.choice(accounts), random.random()
        held = till.balances.get(account, 0)
        if draw < 0.25 and held:  # noqa: PLR2004 - shares of the kinds of movement
            till.open.append(till.enter(account, WITHDRAWAL, -random.randint(1, held)))
        elif draw < 0.4 and till.open:  # noqa: PLR2004
            back = till.open.pop(random.randrange(len(till.open)))
            till.enter(back.account, WITHDRAWAL, -back.fen, back=back)
        elif draw < 0.55 and held and len(accounts) > 1:  # noqa: PLR2004
            other = random.choice([one for one in accounts if one != account])
            fen = random.randint(1, held)
            till.enter(account, PAID, -fen, other=other)
            till.enter(other, RECEIVED, fen, other=account)
        else:
            till.enter(account, TOP_UP, random.randint(1, 5_000_000))
    return till.made


def _text(value: str, width: int) -> bytes:
    return value.encode("gbk").ljust(width)


def _flag(one: Movement) -> str:
    return "C" if one.fen > 0 else "D"


def _eve(one: Movement) -> bytes:
    """139 bytes; a withdrawal taken back is a message 0420 under the order number of the withdrawal."""
    back = bool(one.reverses)
    return (
        _text("3005", 11) + _text(one.tranno, 6) + _text(one.day[4:] + "120000", 10) + _text(one.account, 19)
        + f"{abs(one.fen):012d}{_flag(one)}".encode() + (b"0420" if back else b"0200") + b"000000"
        + _text(one.order_no, 40) + _text(one.tranno, 6) + _text("", 19) + (b"1" if back else b" ") + one.kind.encode() + b"\n"
    )  # fmt: skip


def _aleve(one: Movement) -> bytes:
    """371 bytes."""
    return (
        _text("3005", 4) + _text(one.account, 19) + f"{abs(one.fen):017d}156{_flag(one)}".encode() + one.day.encode() * 3
        + b"12000000" + _text(one.tranno, 6) + _text(one.reverses or "000000", 6) + one.kind.encode()
        + _text(WORDS[one.kind], 42) + f"{one.balance:017d}".encode() + _text(one.other, 19)
        + (b"1" if one.reverses else b" ") + b" " + _text(one.tranno, 6) + b"000000" + _text("", 187) + b"\n"
    )  # fmt: skip
