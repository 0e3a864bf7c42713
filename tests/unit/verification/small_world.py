"""A cutover of twelve users, three listings and ten debts, worked out by hand: both sides, the files and the claim."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from datetime import date, datetime
from itertools import count

import pyarrow as pa

from migration.domain.tables import CORRECTIONS, EXPORTS, ISSUES, SNAPSHOT
from migration.verification.evidence import Evidence, Exchanged

DAY = date(2017, 11, 18)
LATER = date(2018, 6, 18)
NOON = datetime(2016, 5, 1, 12)
SIGNED = pa.schema([("entity", pa.string()), ("key", pa.string()), ("code", pa.string())])


def luhn(body: str) -> str:
    total = sum(int(d) for d in body[-2::-2]) + sum(sum(divmod(2 * int(d), 10)) for d in body[-1::-2])
    return f"{body}{-total % 10}"


def account(number: int) -> str:
    return luhn(f"621246{number:012d}")


def id_card(serial: int) -> str:
    body = f"11010119850101{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def record(*cells: tuple[object, int]) -> bytes:
    """Texts padded on the right with blanks, integers on the left with zeros; in GBK bytes."""
    parts = []
    for value, width in cells:
        coded = f"{value:0{width}d}".encode() if isinstance(value, int) else str(value).encode("gbk").ljust(width)
        assert len(coded) == width
        parts.append(coded)
    return b"".join(parts) + b"\n"


def person(user_id: str, number: int, **other: object) -> dict[str, object]:
    return {
        "user_id": user_id,
        "kind": "person",
        "name": f"张{'一二三四五六七八九十'[number % 10]}",
        "id_type": "id_card",
        "id_no": id_card(number),
        "sex": "M" if number % 2 else "F",
        "phone": f"138000000{number:02d}",
        "email": None,
        "corporate_account": None,
        "verified_at": NOON,
        "status": "active",
        "registered_at": NOON,
        "last_active_at": NOON,
        **other,
    }


USERS = [
    person("P0", 2),
    person("P1", 1, email="p1@example.com"),
    person(
        "P2", 1, id_type="id_card_15", id_no=f" {id_card(1)[:6]}{id_card(1)[8:17]}", phone="13800000099", name="张 二"
    ),
    person("P3", 3, phone="+86 138 0000 0003"),
    person("P4", 4),
    person("P5", 5),
    person("P6", 6, verified_at=None),
    person("P7", 7),
    person("P8", 8, phone="old"),
    person("P9", 9),
    person(
        "C1",
        0,
        kind="company",
        name="甲（上海）公司",
        id_type="uscc",
        id_no="91310000631692088Q",
        corporate_account="110-22",
    ),
    person("X1", 0, kind="platform", verified_at=None),
]
OPENED = {"P0": 2, "P1": 1, "P3": 3, "P4": 4, "P5": 5, "P8": 8, "P9": 9, "C1": 10}
NUMBER = {user: account(number) for user, number in OPENED.items()}
LISTINGS = [
    ("L1", "P4", "P5", None, "借款一", 2_000_000, "12.5", "at_maturity", 365, None, LATER, "repaying"),
    ("L2", "C1", None, "P4", "借款二", 5_000_000, "8", "equal_instalment", 730, 15, LATER, "overdue"),
    ("L3", "P4", None, None, "旧借款", 100_000, "10", "interest_monthly", 30, 1, LATER, "finished"),
]
DEBTS = [  # debt, listing, lender, principal, interest, bonus
    ("D1", "L1", "P1", 100_000, 1_000, 0),
    ("D2", "L1", "P2", 200_010, 2_000, 5),
    ("D3", "L1", "P3", 300_000, 3_000, 0),
    ("D4", "L1", "P5", 400_000, 4_000, 0),
    ("D5", "L2", "P1", 500_000, 5_000, 0),
    ("D6", "L2", "P3", 600_000, 6_000, 0),
    ("D7", "L1", "P7", 700_000, 7_000, 0),
    ("D8", "L2", "P5", 800_000, 8_000, 0),
    ("D9", "L2", "P9", 900_000, 9_000, 0),
]
HOLDER = {"P2": "P1"}
FILES = {"5": ["D1", "D2"], "6": ["D3", "D4", "D5", "D6", "D8", "D9"]}
CODE = {debt[0]: f"AUTH{number:016d}" for number, debt in enumerate(DEBTS)}


class World:
    """Mutable lists of rows; `evidence()` makes the verifier's input of them."""

    def __init__(self) -> None:
        self.snapshot: dict[str, list[dict[str, object]]] = {name: [] for name in SNAPSHOT}
        self.claim: dict[str, list[dict[str, object]]] = {name: [] for name in EXPORTS}
        self.files: dict[str, list[bytes]] = {}  # "q1", "a1", ...: records
        self.batches: dict[str, dict[str, object]] = {}
        self.signed = [{"entity": "users", "key": "P7", "code": "BANK_106"}]
        self.corrections = [("P8", "phone", "13800000008")]
        self.balance: dict[str, object] = {}
        self.final = True
        self._people()
        self._listings()
        self._debts()
        self._hangers_on()
        self._batches()

    # -- the two sides

    def _people(self) -> None:
        self.snapshot["users"] = deepcopy(USERS)
        words = {"P2": ("merged", "MERGED"), "P6": ("self_open", "UNVERIFIED"), "P7": ("excepted", "BANK_106")}
        words |= {"X1": ("closed", "PLATFORM_ACCOUNT")}
        for user in USERS:
            key = str(user["user_id"])
            disposition, reason = words.get(key, ("opened", "OPENED_N" if key == "P3" else "OPENED_S"))
            self.claim["users"].append({
                "user_id": key, "disposition": disposition, "kept_user_id": HOLDER.get(key, key),
                "account_no": NUMBER.get(key), "activated": key == "P3" if key in NUMBER else None, "reason": reason,
            })  # fmt: skip
        sent = {"1": ["P0", "P1", "P3", "P4", "P5", "P7", "P8", "P9"], "2": ["C1"]}
        phone = {"P3": "13800000003", "P8": "13800000008"}
        for batch, keys in sent.items():
            for key in keys:
                user = next(u for u in USERS if u["user_id"] == key)
                company = key == "C1"
                kind, sex = ("25", "") if company else ("01", "1" if user["sex"] == "M" else "2")
                mobile = phone.get(key, user["phone"])
                self.files.setdefault(f"q{batch}", []).append(record(
                    (user["id_no"], 18), (kind, 2), (user["name"], 60), (sex, 1), (mobile, 12), (str(int(company)), 1),
                    (user["email"] or "", 40), (key, 60), ("", 9), ("", 30), ("", 20), ("2", 1), ("", 2), ("", 100),
                    (user["corporate_account"] or "", 42), ("", 18), ("", 17),
                ))  # fmt: skip
                flag = {"P3": "N", "P7": "F"}.get(key, "S")
                self.files.setdefault(f"a{batch}", []).append(record(
                    (NUMBER.get(key, ""), 19), (user["id_no"], 18), (kind, 2), (flag, 1),
                    ("106" if flag == "F" else "000", 3), (user["name"], 60), (str(int(company)), 1), (key, 60),
                    (mobile, 12), ("", 100), ("", 88),
                ))  # fmt: skip

    def _listings(self) -> None:
        for key, borrower, guarantor, payee, title, amount, rate, method, term, day, end, status in LISTINGS:
            self.snapshot["listings"].append({
                "listing_id": key, "borrower_id": borrower, "guarantor_id": guarantor, "payee_id": payee,
                "nominal_borrower_id": None, "title": title, "amount": amount, "annual_rate": rate,
                "repayment_method": method, "term_days": term, "interest_day": day, "value_date": date(2017, 6, 18),
                "maturity_date": end, "status": status,
            })  # fmt: skip
            left = 0 if status == "finished" else sum(debt[3] for debt in DEBTS if debt[1] == key)
            period = {"listing_id": key, "period": 1, "due_date": end, "principal": left + 7, "interest": 70,
                      "principal_paid": 7, "interest_paid": 0}  # fmt: skip
            self.snapshot["schedules"].append(period)
            batch = {"L1": "3", "L2": "4"}.get(key)
            self.claim["listings"].append({
                "listing_id": key, "disposition": "registered" if batch else "not_migrated",
                "borrower_account": NUMBER[borrower], "amount_fen": amount, "outstanding_fen": left,
                "batch_no": batch and f"00000{batch}", "reason": "REGISTERED" if batch else "FINISHED",
            })  # fmt: skip
            if batch is None:
                continue
            self.claim["schedules"].append(
                {
                    name if name in {"listing_id", "period", "due_date"} else f"{name}_fen": v
                    for name, v in period.items()
                }
            )
            kind, when = ("0", "") if method == "at_maturity" else ("1", f"{day:02d}")
            parties = (NUMBER[guarantor] if guarantor else "", 19), ("", 19)
            self.files[f"q{batch}"] = [record(
                ("3005", 4), (f"00000{batch}", 6), (key, 40), (title, 60), (NUMBER[borrower], 19), (amount, 13), (kind, 1),
                (when, 2), (term, 4), (int(float(rate) * 100_000), 8), *parties, ("0", 1),
                (NUMBER[payee] if payee else "", 19), ("1" if payee else "0", 1), ("", 100), ("", 100),
            )]  # fmt: skip
            self.files[f"a{batch}"] = [record(
                ("3005", 4), (f"00000{batch}", 6), (key, 40), (title, 60), (NUMBER[borrower], 19), (self.name(borrower), 60),
                (amount, 13), (term, 4), ("20171118", 8), *parties, (NUMBER[payee] if payee else "", 19), ("00", 2),
                ("", 100), ("", 100),
            )]  # fmt: skip

    def _debts(self) -> None:
        batch_of = {debt: batch for batch, debts in FILES.items() for debt in debts}
        rates = {row[0]: row for row in LISTINGS}
        for key, listing, lender, principal, interest, bonus in DEBTS:
            self.snapshot["debts"].append(self._debt(key, listing, lender, principal, interest, bonus, "open"))
            holder, batch = HOLDER.get(lender, lender), batch_of.get(key)
            self.claim["debts"].append({
                "debt_id": key, "disposition": "registered" if batch else "excepted", "listing_id": listing,
                "legacy_lender_id": lender, "holder_user_id": holder, "holder_account": NUMBER.get(holder),
                "principal_fen": principal, "interest_fen": interest, "bonus_interest_fen": bonus,
                "authcode": CODE[key] if batch else None, "batch_no": batch and f"00000{batch}",
                "reason": "REGISTERED" if batch else "PARTY_NOT_OPENED",
            })  # fmt: skip
            if batch is None:
                continue
            serial = f"0001870000{key}"
            kind, when = ("0", "") if listing == "L1" else ("1", "15")
            self.files.setdefault(f"q{batch}", []).append(record(
                ("3005", 4), (f"00000{batch}", 6), (NUMBER[holder], 19), ("MP", 4), ("", 6), (serial, 40), (principal, 13),
                ("20170701", 8), ("20170618", 8), (kind, 1), (when, 2), ("20180618", 8),
                (int(float(rates[listing][6]) * 100_000), 8), ("156", 3), (listing, 40), ("", 60),
            ))  # fmt: skip
            self.files.setdefault(f"a{batch}", []).append(record(
                ("3005", 4), (f"00000{batch}", 6), (NUMBER[holder], 19), ("MP", 4), ("", 6), (serial, 40), (principal, 13),
                (self.name(holder), 60), ("20171118", 8), ("00", 2), (CODE[key], 20), (listing, 40), ("", 60),
            ))  # fmt: skip
        self.snapshot["debts"].append(self._debt("DF", "L3", "P1", 0, 0, 0, "finished"))
        self.claim["debts"].append({
            "debt_id": "DF", "disposition": "not_migrated", "listing_id": "L3", "legacy_lender_id": "P1",
            "holder_user_id": "P1", "holder_account": NUMBER["P1"], "principal_fen": 0, "interest_fen": 0,
            "bonus_interest_fen": 0, "reason": "FINISHED",
        })  # fmt: skip

    @staticmethod
    def _debt(key: str, listing: str, lender: str, principal: int, interest: int, bonus: int, status: str) -> dict:
        return {"debt_id": key, "listing_id": listing, "lender_id": lender, "principal": principal, "interest": interest,
                "bonus_interest": bonus, "acquired_on": date(2017, 7, 1), "origin": "bid", "status": status}  # fmt: skip

    def _hangers_on(self) -> None:
        cash = {"P1": (500, 0), "P2": (70, 30), "P6": (10, 0), "X1": (900, 0), "P9": (0, 0)}
        for user, (available, frozen) in cash.items():
            self.snapshot["escrow_accounts"].append(
                {"escrow_id": f"E{user}", "user_id": user, "available": available, "frozen": frozen}
            )
            self.claim["residuals"].append({
                "escrow_id": f"E{user}", "legacy_user_id": user, "entitled_user_id": HOLDER.get(user, user),
                "available_fen": available, "frozen_fen": frozen, "status": "available" if available + frozen else "empty",
            })  # fmt: skip
        self.snapshot["authorisations"] = [{"serial": "S1", "user_id": "P2", "kind": "auto_bid", "granted_at": NOON}]
        self.claim["authorisations"] = [{"serial": "S1", "user_id": "P2", "kind": "auto_bid", "disposition": "lapsed"}]
        self.snapshot["in_flight"] = [{"id": "F1", "kind": "top_up", "user_id": "P1", "amount": 40, "created_at": NOON}]
        told = {
            "bind_card": "C1 P0 P1 P4 P5 P8 P9", "grant_fee": "C1 P0 P1 P3 P4 P5 P8 P9", "open_account": "P6",
            "withdraw_residual": "P1 P6 X1", "authorisation_lapsed": "P1", "grant_repayment": "C1 P4",
        }  # fmt: skip
        self.claim["notices"] = [
            {"user_id": user, "kind": kind} for kind, users in told.items() for user in users.split()
        ]
        registered = sum(debt[3] for debt in DEBTS if debt[0] != "D7")
        figures = {"registered_fen": registered, "excepted_fen": 700_000, "residual_fen": 1_510, "in_flight_fen": 40}
        self.balance = {
            "legacy_fen": sum(figures.values()),
            **figures,
            "difference_fen": 0,
            "listings": [],
            "persons": [],
        }

    def _batches(self) -> None:
        kinds = {"1": ("accounts", "person"), "2": ("accounts", "company"), "3": ("listings", "listing"),
                 "4": ("listings", "listing"), "5": ("debts", "debt"), "6": ("debts", "debt")}  # fmt: skip
        names = {"accounts": "APPZX0110", "listings": "BIDIN-000187", "debts": "BID"}
        for batch, (stage, kind) in kinds.items():
            sums = {"3": 2_000_000, "4": 5_000_000, "5": 300_010, "6": 3_500_000}
            self.batches[batch] = {
                "batch_no": f"00000{batch}", "business_date": DAY, "stage": stage, "round": 1, "kind": kind,
                "sample": batch in {"3", "5"}, "part": 1, "request_name": f"3005-{names[stage]}-00000{batch}-20171118",
                "rows": len(self.files[f"q{batch}"]), "sum_fen": sums.get(batch, 0), "state": "applied",
                "result_name": f"3005-{names[stage]}RES-00000{batch}-20171118",
            }  # fmt: skip

    @staticmethod
    def name(user: str) -> str:
        return str(next(u["name"] for u in USERS if u["user_id"] == user))

    # -- changing

    def row(self, table: str, key: str) -> dict[str, object]:
        """The claimed row of a key (its first column)."""
        first = EXPORTS[table].names[0]
        return next(row for row in self.claim[table] if row[first] == key)

    def legacy(self, table: str, key: str) -> dict[str, object]:
        """The legacy row of a key."""
        return next(row for row in self.snapshot[table] if row[SNAPSHOT[table].names[0]] == key)

    def edit(self, file: str, number: int, start: int, new: bytes) -> None:
        """Overwrite bytes of a record (from 1)."""
        old = self.files[file][number - 1]
        self.files[file][number - 1] = old[:start] + new + old[start + len(new) :]

    # -- handing over

    def evidence(self) -> Evidence:
        """The verifier's input."""
        exchanged = [self._exchanged(batch) for batch in self.batches]
        listed = [
            {
                **self.batches[b],
                "request_sha256": e.request_sha256,
                "result_sha256": e.result_sha256 or None,
                "result_name": e.result_name or None,
            }
            for b, e in zip(self.batches, exchanged, strict=True)
        ]
        claim = {**self.claim, "batches": self.claim["batches"] or listed}
        seq = count(1)
        corrections = [{"user_id": u, "field": f, "new": n, "seq": next(seq)} for u, f, n in self.corrections]
        return Evidence(
            profile="jx",
            business_date=DAY,
            overdue_policy="signed_exception",
            account_pattern=r"621246\d{13}",
            snapshot={name: _table(rows, SNAPSHOT[name]) for name, rows in self.snapshot.items()},
            corrections=_table(corrections, CORRECTIONS),
            issues=ISSUES.empty_table(),
            signed=_table(self.signed, SIGNED),
            exchanged=tuple(exchanged),
            claim={name: _table(rows, EXPORTS[name]) for name, rows in claim.items()},
            balance=self.balance,
            final=self.final,
        )

    def _exchanged(self, batch: str) -> Exchanged:
        request, result = b"".join(self.files[f"q{batch}"]), b"".join(self.files[f"a{batch}"])
        facts = {
            "request_sha256": hashlib.sha256(request).hexdigest(),
            "result_sha256": hashlib.sha256(result).hexdigest(),
            **self.batches[batch],
        }
        return Exchanged(**facts, request=lambda: request, result=lambda: result)


def _table(rows: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)
