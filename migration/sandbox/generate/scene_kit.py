"""Builders for hand-written cases: a person, a company, a listing with its debts, each with sensible defaults.

Numbers are drawn from ranges the generator never uses (region 110101, phones 188, credit codes over 95,000,000), so a
hand-written case never collides with a generated row. Money is given in fen and written in yuan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import numbers
from .people import Row, yuan

_REGION = "110101"
REGISTERED, ACTIVE, VERIFIED = "2015-03-01 09:00:00", "2017-11-01 10:00:00", "2015-03-02 09:00:00"


@dataclass
class Scenes:
    """Rows a table, in the order of sink.TABLES' columns."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    _people: int = 0

    def put(self, table: str, *row: Any) -> None:
        """Append one row."""
        self.rows.setdefault(table, []).append(list(row))

    def id_no(self, born: str = "19800101") -> str:
        """The next unused ID number of somebody born on `born` (YYYYMMDD)."""
        self._people += 1
        return numbers.id_with_check(f"{_REGION}{born}{self._people:03d}")

    def phone(self) -> str:
        """The next unused phone."""
        self._people += 1
        return f"1880000{self._people:04d}"

    def person(
        self,
        key: str,
        name: str,
        *,
        id_no: str | None = None,
        id_type: str = "id_card",
        phone: str | None = None,
        sex: str | None = "",
        email: str | None = None,
        verified: str | None = VERIFIED,
        status: str = "active",
        registered: str = REGISTERED,
        active: str | None = ACTIVE,
        cash: int = 0,
        frozen: int = 0,
    ) -> str:
        """A person with one escrow account; returns the ID number as stored. sex '' = as the ID number says."""
        id_no = self.id_no() if id_no is None else id_no
        if sex == "":
            sex = ("M" if int(id_no[16]) % 2 else "F") if len(id_no) == 18 and id_no[16].isdigit() else None  # noqa: PLR2004
        phone = phone or self.phone()
        self.put(
            "users", key, "person", name, id_type, id_no, sex, phone, email, None, verified, status, registered, active
        )
        self.escrow(f"XE{key[1:]}", key, cash, frozen)
        return id_no

    def company(
        self,
        key: str,
        name: str,
        *,
        code: str | None = None,
        id_type: str = "uscc",
        account: str | None = "110099990000",
        cash: int = 0,
        active: str | None = ACTIVE,
    ) -> str:
        """A company with one escrow account; returns its code as stored. Its account gets the key's digits appended."""
        code = code or numbers.credit_code(95_000_000 + int(key[1:]))
        account = f"{account}{int(key[1:]):04d}" if account else None
        self.put(
            "users", key, "company", name, id_type, code, None, self.phone(), None, account, VERIFIED, "active", REGISTERED,
            active,
        )  # fmt: skip
        self.escrow(f"XE{key[1:]}", key, cash)
        return code

    def escrow(self, escrow_id: str, user: str, available: int, frozen: int = 0) -> None:
        """One escrow account, in fen."""
        card = f"6217001199{escrow_id[2:]:>09}"
        self.put("escrow_accounts", escrow_id, user, yuan(available), yuan(frozen), card, "CCB")

    def listing(
        self,
        key: str,
        borrower: str,
        debts: Sequence[tuple[str, int] | tuple[str, int, int]],
        *,
        status: str = "repaying",
        title: str | None = None,
        method: str = "at_maturity",
        rate: str = "12",
        value: str = "2017-06-18",
        maturity: str = "2018-06-18",
        days: int = 365,
        day: int | None = None,
        guarantor: str | None = None,
        payee: str | None = None,
        nominal: str | None = None,
        amount: int | None = None,
        schedule: Sequence[tuple[int, str, int, int, int, int]] | None = None,
        debt_key: str = "",
    ) -> None:
        """A listing, its schedule (default: one period, unpaid) and its debts `<key>D1`, `<key>D2` ...

        A debt is (lender, principal[, interest]) in fen; a schedule row is (period, due, principal, interest, principal
        paid, interest paid) in fen.
        """
        total = sum(debt[1] for debt in debts) if amount is None else amount
        self.put(
            "listings", key, borrower, guarantor, payee, nominal, title or f"样例标的{key}", yuan(total), rate, method, days,
            day, value, maturity, status,
        )  # fmt: skip
        unpaid = 0 if status == "finished" else 1
        default = [(1, maturity, total, total * 12 // 100, (1 - unpaid) * total, (1 - unpaid) * (total * 12 // 100))]
        for period, due, *amounts in schedule or default:
            self.put("schedules", key, period, due, *(yuan(fen) for fen in amounts))
        for n, (lender, fen, *interest) in enumerate(debts, start=1):
            self.debt(
                f"{debt_key or key}D{n}", key, lender, fen * unpaid, interest=interest[0] if interest else None,
                status="open" if unpaid else "finished", acquired=value,
            )  # fmt: skip

    def debt(
        self,
        key: str,
        listing: str,
        lender: str,
        principal: int,
        *,
        interest: int | None = None,
        bonus: int = 0,
        acquired: str = "2017-06-18",
        origin: str = "bid",
        status: str = "open",
    ) -> None:
        """One debt, in fen; interest defaults to 12 % of the principal."""
        interest = principal * 12 // 100 if interest is None else interest
        self.put("debts", key, listing, lender, yuan(principal), yuan(interest), yuan(bonus), acquired, origin, status)
