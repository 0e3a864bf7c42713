"""A right cutover of any size, made column by column: both sides, the bank's files and the claim, with merged identities.

Every value is worked out from its number, so the same size gives the same cutover; nothing is drawn at random. What was moved
is kept apart from what the legacy side says (`Moved`), so that a mistake of the movers can be made: it then stands in files,
answers and claim alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.domain.tables import CORRECTIONS, EXPORTS, ISSUES, SNAPSHOT
from migration.verification.evidence import Evidence, Exchanged

DAY, VALUE, BOUGHT, END = date(2017, 11, 18), date(2017, 6, 18), date(2017, 7, 1), date(2018, 6, 18)
NOON = datetime(2016, 5, 1, 12)
SIGNED = pa.schema([("entity", pa.string()), ("key", pa.string()), ("code", pa.string())])
PER_FILE = 9_999
RATES, METHODS = ("8", "9.6", "12.5"), ("at_maturity", "equal_instalment", "interest_monthly", "equal_principal")
BATCH_OF_KIND = {"person": ("accounts", "APPZX0110"), "listing": ("listings", "BIDIN-000187"), "debt": ("debts", "BID")}

Numbers = npt.NDArray[np.int64]
Letters = npt.NDArray[np.uint8]
"""Texts of one width as bytes: rows x width."""


def letters(head: str, numbers: Numbers, width: int) -> Letters:
    """`head`, then each number with leading zeros."""
    digits = numbers[:, None] // 10 ** np.arange(width - 1, -1, -1, dtype=np.int64) % 10 + 48
    return np.hstack([np.tile(np.frombuffer(head.encode(), np.uint8), (len(numbers), 1)), digits.astype(np.uint8)])


def text(cells: Letters, missing: npt.NDArray[np.bool_] | None = None, coding: str = "utf-8") -> pa.Array:
    """The texts as Arrow strings; NULL where `missing`."""
    if coding != "utf-8":
        plain = pa.array([row.tobytes().decode(coding) for row in cells])
    else:
        cells = np.ascontiguousarray(cells)
        raw = pa.Array.from_buffers(pa.binary(cells.shape[1]), len(cells), [None, pa.py_buffer(cells)])
        plain = raw.cast(pa.binary()).cast(pa.string())
    return plain if missing is None else pa.compute.if_else(pa.array(missing), pa.scalar(None, pa.string()), plain)


def record(rows: int, *cells: tuple[Letters | str, int]) -> bytes:
    """Fixed-width records of `rows` lines; a text alone stands in each of them; blanks on the right."""
    parts = []
    for value, width in cells:
        if isinstance(value, str):
            parts.append(np.tile(np.frombuffer(value.encode("gbk").ljust(width), np.uint8), (rows, 1)))
        else:
            parts += [value, np.full((rows, width - value.shape[1]), 32, np.uint8)]
    return np.hstack([*parts, np.full((rows, 1), 10, np.uint8)]).tobytes()


def _accounts(numbers: Numbers) -> Letters:
    body = letters("621246", numbers, 12)
    doubled = (body[:, ::-1].astype(np.int64) - 48) * np.where(np.arange(18) % 2 == 0, 2, 1)
    total = (doubled // 10 + doubled % 10).sum(axis=1)
    return np.hstack([body, (-total % 10 + 48).astype(np.uint8)[:, None]])


def _id_cards(numbers: Numbers) -> Letters:
    days = np.datetime64("1960-01-01") + (numbers // 999).astype("timedelta64[D]")
    born = np.array([int(str(day).replace("-", "")) for day in days], np.int64)
    body = np.hstack([letters("110101", born, 8), letters("", numbers % 999 + 1, 3)])
    total = (body.astype(np.int64) - 48) @ np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    return np.hstack([body, np.frombuffer(b"10X98765432", np.uint8)[total % 11][:, None]])


def _names(numbers: Numbers) -> Letters:
    """Three characters in GBK: six bytes."""
    family, given = "赵钱孙李周吴郑王冯陈", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
    signs = np.array([list(sign.encode("gbk")) for sign in family + given], np.uint8)
    picks = [numbers % 10, 10 + numbers // 10 % 20, 10 + numbers // 200 % 20]
    return np.hstack([signs[pick] for pick in picks])


@dataclass
class Moved:
    """What the movers made of the debts: a number or text each, by the debt's number."""

    rows: npt.NDArray[np.int64]  # the debts that stand in the claim, in its order
    sent: npt.NDArray[np.int64]  # those that stand in the files
    principal: Numbers
    interest: Numbers
    holder: Numbers  # the number of the user
    end: Numbers  # YYYYMMDD
    name: Letters  # as sent, by the user's number: blanks on the right


class LargeWorld:
    """`debts` debts of `debts` / 10 lenders (at least 100), of whom `merged` have a second account that is merged.

    `folder`: the files lie there, else in memory. `spoil` changes what is moved before the files are written
    and says which keys (debts, users) are `wrong` then.
    """

    def __init__(
        self,
        debts: int,
        merged: int,
        folder: Path | None = None,
        spoil: Callable[[LargeWorld], list[str]] | None = None,
        *,
        files: bool = True,
    ) -> None:
        self.folder = folder
        self.wrong: list[str] = []  # keys of what was spoilt
        self.listings, self.lenders, self.merged = max(debts // 40, 8), max(debts // 10, 100), merged
        self.idle = 40  # users without a position; half of them were never verified
        self._users()
        self._debts(debts)
        self.moved = Moved(
            rows=self.number, sent=np.flatnonzero(self.open), principal=self.principal.copy(),
            interest=self.interest.copy(), holder=self.kept[self.lender], end=np.full(debts, 20180618),
            name=np.pad(self.name, ((0, 0), (0, 2)), constant_values=32),
        )  # fmt: skip
        if spoil is not None:
            self.wrong = spoil(self)
        self.exchanged: list[Exchanged] = []
        if files:
            self._files()

    def _users(self) -> None:
        persons = self.listings + self.lenders + self.idle  # a borrower a listing
        self.users = persons + self.merged
        number = np.arange(self.users, dtype=np.int64)
        self.person = np.where(number < persons, number, number - persons + self.listings)  # who it is
        self.kept = self.person
        self.user_id = letters("U", number, 8)
        self.account, self.id_no, self.name = _accounts(self.person), _id_cards(self.person), _names(self.person)
        self.phone = letters("138", number, 8)
        self.is_merged = number >= persons
        self.unverified = (number >= persons - self.idle // 2) & ~self.is_merged
        self.opened = ~self.is_merged & ~self.unverified
        self.known = number % 97 == 0  # the bank says N
        self.cash = np.where(number % 3 == 0, 0, number * 13 % 100_000)

    def _debts(self, debts: int) -> None:
        number = np.arange(debts, dtype=np.int64)
        self.number, self.open = number, number % 20 != 19
        self.listing = number * 7_919 % self.listings
        lender = number * 104_729 % (self.lenders + self.merged)
        self.lender = np.where(
            lender < self.lenders, self.listings + lender, self.users - self.merged + lender - self.lenders
        )
        self.principal = np.where(self.open, 10_000 + number * 7_907 % 1_000_000, 0)
        self.interest = np.where(self.open, number * 31 % 10_000, 0)
        self.bonus = np.where(self.open & (number % 50 == 0), 5, 0)
        self.debt_id, self.authcode = letters("D", number, 9), letters("AUTH", number, 16)
        self.owed = np.bincount(self.listing, self.principal, self.listings).astype(np.int64)
        self.listing_id = letters("L", np.arange(self.listings, dtype=np.int64), 7)
        self.batch_of_debt, self.batch_of_listing = np.zeros(debts, np.int64), np.zeros(self.listings, np.int64)

    # -- the bank's files

    def _files(self) -> None:
        self._batches("person", np.flatnonzero(self.opened), sampled=0)
        self._batches("listing", np.arange(self.listings), sampled=10)
        self._batches("debt", self.moved.sent, sampled=100)

    def _batches(self, kind: str, rows: npt.NDArray[Any], sampled: int) -> None:
        sample = rows[::sampled][:2_000] if sampled else rows[:0]
        rest = rows[~np.isin(rows, sample)]
        parts = [(sample, True)] if len(sample) else []
        parts += [(rest[at : at + PER_FILE], False) for at in range(0, len(rest), PER_FILE)]
        for part, (chosen, is_sample) in enumerate(parts, 1):
            self._batch(kind, chosen, part=max(part - bool(len(sample)), 1), sample=is_sample)

    def _batch(self, kind: str, rows: npt.NDArray[Any], *, part: int, sample: bool) -> None:
        stage, name = BATCH_OF_KIND[kind]
        number = len(self.exchanged) + 1
        batch_no = f"{number:06d}"
        request, result, fen = {"person": self._persons, "listing": self._bids, "debt": self._debt_files}[kind](
            rows, batch_no
        )
        if kind != "person":
            (self.batch_of_debt if kind == "debt" else self.batch_of_listing)[rows] = number
        names = f"3005-{name}-{batch_no}-20171118", f"3005-{name}RES-{batch_no}-20171118"
        self.exchanged.append(
            Exchanged(
                business_date=DAY, batch_no=batch_no, stage=stage, round=1, kind=kind, sample=sample, part=part,
                rows=len(rows), sum_fen=fen, state="applied",
                request_name=names[0], request_sha256=hashlib.sha256(request).hexdigest(),
                result_name=names[1], result_sha256=hashlib.sha256(result).hexdigest(),
                request=self._put(names[0], request), result=self._put(names[1], result),
            )
        )  # fmt: skip

    def _put(self, name: str, content: bytes) -> Any:
        if self.folder is None:
            return lambda: content
        path = self.folder / name
        path.write_bytes(content)
        return path.read_bytes

    def _persons(self, rows: Any, _batch: str) -> tuple[bytes, bytes, int]:
        n, id_no, name, key, phone = (
            len(rows),
            self.id_no[rows],
            self.moved.name[rows],
            self.user_id[rows],
            self.phone[rows],
        )
        sex = np.where(id_no[:, 16:17] % 2 == 1, 49, 50).astype(np.uint8)
        flag = np.where(self.known[rows, None], 78, 83).astype(np.uint8)
        request = record(n, (id_no, 18), ("01", 2), (name, 60), (sex, 1), (phone, 12), ("0", 1), ("", 40), (key, 60),
                         ("", 59), ("2", 1), ("", 2), ("", 100), ("", 77))  # fmt: skip
        result = record(n, (self.account[rows], 19), (id_no, 18), ("01", 2), (flag, 1), ("000", 3), (name, 60),
                        ("0", 1), (key, 60), (phone, 12), ("", 188))  # fmt: skip
        return request, result, 0

    def _bids(self, rows: Any, batch: str) -> tuple[bytes, bytes, int]:
        n, key, title, account = len(rows), self.listing_id[rows], letters("No ", rows, 9), self.account[rows]
        amount = letters("", self.owed[rows], 13)
        request = record(n, ("3005", 4), (batch, 6), (key, 40), (title, 60), (account, 19), (amount, 13), *self._terms(rows),
                         ("0365", 4), (self._rate(rows), 8), ("", 38), ("0", 1), ("", 19), ("0", 1), ("", 200))  # fmt: skip
        result = record(n, ("3005", 4), (batch, 6), (key, 40), (title, 60), (account, 19), (self.name[rows], 60),
                        (amount, 13), ("0365", 4), ("20171118", 8), ("", 57), ("00", 2), ("", 200))  # fmt: skip
        return request, result, int(self.owed[rows].sum())

    def _rate(self, listings: Any) -> Letters:
        return letters("", np.array([int(float(rate) * 100_000) for rate in RATES])[listings % 3], 8)

    def _terms(self, listings: Any) -> tuple[tuple[Letters, int], tuple[Letters, int]]:
        monthly = (listings % 4 != 0)[:, None]
        day = np.where(monthly, letters("", listings % 28 + 1, 2), 32).astype(np.uint8)
        return (np.where(monthly, 49, 48).astype(np.uint8), 1), (day, 2)

    def _debt_files(self, rows: Any, batch: str) -> tuple[bytes, bytes, int]:
        n, holder, listing = len(rows), self.moved.holder[rows], self.listing_id[self.listing[rows]]
        serial = np.hstack([np.tile(np.frombuffer(b"0001870000", np.uint8), (n, 1)), self.debt_id[rows]])
        amount = letters("", self.moved.principal[rows], 13)
        head: Any = (("3005", 4), (batch, 6), (self.account[holder], 19), ("MP", 10), (serial, 40), (amount, 13))
        request = record(n, *head, ("20170701", 8), ("20170618", 8), *self._terms(self.listing[rows]), (letters("", self.moved.end[rows], 8), 8),
                         (self._rate(self.listing[rows]), 8), ("156", 3), (listing, 40), ("", 60))  # fmt: skip
        result = record(n, *head, (self.moved.name[holder], 60), ("20171118", 8), ("00", 2), (self.authcode[rows], 20), (listing, 40),
                        ("", 60))  # fmt: skip
        return request, result, int(self.moved.principal[rows].sum())

    # -- both sides and the claim

    def snapshot(self) -> dict[str, pa.Table]:
        """The legacy entities."""
        users = {"user_id": text(self.user_id), "kind": "person", "name": text(self.name, coding="gbk"), "id_type": "id_card",
                 "id_no": text(self.id_no), "phone": text(self.phone), "status": "active", "registered_at": NOON,
                 "verified_at": pa.compute.if_else(pa.array(self.unverified), None, pa.scalar(NOON, pa.timestamp("us")))}  # fmt: skip
        at = np.arange(self.listings)
        listings = {"listing_id": text(self.listing_id), "borrower_id": text(self.user_id[: self.listings]),
                    "title": text(letters("No ", at, 9)), "amount": self.owed, "value_date": VALUE, "maturity_date": END,
                    "annual_rate": pa.array(RATES).take(pa.array(at % 3)), "term_days": 365, "status": "repaying",
                    "repayment_method": pa.array(METHODS).take(pa.array(at % 4)),
                    "interest_day": pa.array(at % 28 + 1, mask=at % 4 == 0)}  # fmt: skip
        return {
            **{name: schema.empty_table() for name, schema in SNAPSHOT.items()},
            "users": _table(SNAPSHOT["users"], self.users, users),
            "listings": _table(SNAPSHOT["listings"], self.listings, listings),
            "escrow_accounts": _table(SNAPSHOT["escrow_accounts"], self.users, {
                "escrow_id": text(self._escrow()), "user_id": text(self.user_id), "available": self.cash, "frozen": 0}),
            "schedules": _table(SNAPSHOT["schedules"], 2 * self.listings, self._schedules("")),
            "debts": _table(SNAPSHOT["debts"], len(self.number), {
                "debt_id": text(self.debt_id), "listing_id": text(self.listing_id[self.listing]),
                "lender_id": text(self.user_id[self.lender]), "principal": self.principal, "interest": self.interest,
                "bonus_interest": self.bonus, "acquired_on": BOUGHT, "origin": "bid",
                "status": pa.compute.if_else(pa.array(self.open), "open", "finished")}),
        }  # fmt: skip

    def claim(self) -> dict[str, pa.Table]:
        """The exports."""
        choose = pa.compute.if_else
        opened = pa.array(self.opened)
        left = choose(pa.array(self.is_merged), "merged", "self_open")
        users = {"user_id": text(self.user_id), "disposition": choose(opened, "opened", left), "reason": "",
                 "kept_user_id": text(self.user_id[self.kept]), "account_no": text(self.account, ~self.opened),
                 "activated": pa.array(self.known, mask=~self.opened)}  # fmt: skip
        rows = self.moved.rows
        holder, none = self.moved.holder[rows], ~self.open[rows]
        return {
            **{name: schema.empty_table() for name, schema in EXPORTS.items()},
            "users": _table(EXPORTS["users"], self.users, users),
            "listings": _table(EXPORTS["listings"], self.listings, {
                "listing_id": text(self.listing_id), "disposition": "registered", "amount_fen": self.owed,
                "borrower_account": text(self.account[: self.listings]), "outstanding_fen": self.owed,
                "batch_no": text(letters("", self.batch_of_listing, 6)), "reason": "REGISTERED"}),
            "residuals": _table(EXPORTS["residuals"], self.users, {
                "escrow_id": text(self._escrow()), "legacy_user_id": text(self.user_id),
                "entitled_user_id": text(self.user_id[self.kept]), "available_fen": self.cash, "frozen_fen": 0,
                "status": choose(pa.array(self.cash > 0), "available", "empty")}),
            "schedules": _table(EXPORTS["schedules"], 2 * self.listings, self._schedules("_fen")),
            "debts": _table(EXPORTS["debts"], len(rows), {
                "debt_id": text(self.debt_id[rows]), "disposition": choose(pa.array(none), "not_migrated", "registered"),
                "listing_id": text(self.listing_id[self.listing[rows]]),
                "legacy_lender_id": text(self.user_id[self.lender[rows]]), "holder_user_id": text(self.user_id[holder]),
                "holder_account": text(self.account[holder]), "principal_fen": self.moved.principal[rows],
                "interest_fen": self.moved.interest[rows], "bonus_interest_fen": self.bonus[rows],
                "authcode": text(self.authcode[rows], none), "reason": choose(pa.array(none), "FINISHED", "REGISTERED"),
                "batch_no": text(letters("", self.batch_of_debt[rows], 6), none)}),
            "notices": self._notices(),
            "batches": _batch_list(self.exchanged),
        }  # fmt: skip

    def _escrow(self) -> Letters:
        return np.hstack([np.full((self.users, 1), 69, np.uint8), self.user_id])

    def _schedules(self, unit: str) -> dict[str, Any]:
        first = self.owed // 2
        principal = np.stack([first, self.owed - first], axis=1).ravel()
        return {"listing_id": text(np.repeat(self.listing_id, 2, axis=0)), "period": np.tile([1, 2], self.listings),
                "due_date": END, f"principal{unit}": principal, f"interest{unit}": principal // 10,
                f"principal_paid{unit}": 0, f"interest_paid{unit}": 0}  # fmt: skip

    def _notices(self) -> pa.Table:
        entitled = np.zeros(self.users, np.bool_)
        entitled[self.kept[self.cash > 0]] = True
        borrower = np.arange(self.users) < self.listings
        told = {"bind_card": self.opened & ~self.known, "grant_fee": self.opened, "open_account": self.unverified,
                "withdraw_residual": entitled, "grant_repayment": borrower}  # fmt: skip
        parts = [
            _table(EXPORTS["notices"], int(who.sum()), {"user_id": text(self.user_id[who]), "kind": kind})
            for kind, who in told.items()
        ]
        return pa.concat_tables(parts)

    def balance(self) -> dict[str, object]:
        """The content of balance.json."""
        debts, cash = int(self.principal.sum()), int(self.cash.sum())
        return {"legacy_fen": debts + cash, "registered_fen": debts, "excepted_fen": 0, "residual_fen": cash,
                "in_flight_fen": 0, "difference_fen": 0, "listings": [], "persons": []}  # fmt: skip

    def evidence(self) -> Evidence:
        """The verifier's input."""
        return Evidence(
            profile="jx", business_date=DAY, overdue_policy="signed_exception", account_pattern=r"621246\d{13}",
            snapshot=self.snapshot(), corrections=CORRECTIONS.empty_table(), issues=ISSUES.empty_table(),
            signed=SIGNED.empty_table(), exchanged=tuple(self.exchanged), claim=self.claim(), balance=self.balance(),
            final=True,
        )  # fmt: skip


def _table(schema: pa.Schema, rows: int, columns: dict[str, Any]) -> pa.Table:
    """A table of a schema; a single value stands in every row, what is not given is NULL."""
    made = []
    for field in schema:
        value = columns.get(field.name)
        if isinstance(value, (pa.Array, pa.ChunkedArray, np.ndarray)):
            made.append(value if isinstance(value, pa.ChunkedArray) else pa.array(value).cast(field.type))
        else:
            made.append(pa.repeat(pa.scalar(value, field.type), rows))
    return pa.table(made, schema=schema)


def _batch_list(exchanged: list[Exchanged]) -> pa.Table:
    names = EXPORTS["batches"].names
    return pa.Table.from_pylist(
        [{name: getattr(batch, name) for name in names} for batch in exchanged], EXPORTS["batches"]
    )
