"""A platform small enough to be worked out by hand: two lenders, a borrower, a guarantor, a company, two listings."""

from __future__ import annotations

from typing import Any

from migration.sandbox.generate.numbers import credit_code, id_with_check
from tests.contract.platforms import Tables, row


def person(number: int, **changes: Any) -> dict[str, Any]:
    """A verified adult with an ID number, phone and name of his own; `U` + number is his id."""
    family = "赵钱孙李周吴郑王冯陈褚卫"[number % 12]
    given = "一二三四五六七八九十甲乙"[number // 12 % 12]
    return row(
        "users",
        user_id=f"U{number}",
        name=family + given,
        id_no=id_with_check(f"11010119800101{number:03d}"),
        sex=None,
        phone=f"138{number:08d}",
        **changes,
    )


def company(number: int, **changes: Any) -> dict[str, Any]:
    """A verified company with its corporate account; `C` + number is its id."""
    values = {"corporate_account": f"6217{number:015d}", **changes}
    return row(
        "users",
        user_id=f"C{number}",
        kind="company",
        name=f"公司{number}号",
        id_type="uscc",
        id_no=credit_code(number),
        sex=None,
        phone=f"139{number:08d}",
        **values,
    )


def loan(number: int, borrower: str, lenders: dict[str, str], **changes: Any) -> Tables:
    """A listing of `borrower` with one debt a lender (amounts in yuan), and a schedule that agrees with them."""
    key = f"L{number}"
    total = f"{sum(round(float(v) * 100) for v in lenders.values()) / 100:.2f}"
    values = {"value_date": "2017-10-01", "maturity_date": "2018-10-01", "amount": total, **changes}
    return {
        "listings": [row("listings", listing_id=key, borrower_id=borrower, title=f"借款{number}", **values)],
        "schedules": [row("schedules", listing_id=key, period=1, principal=total)],
        "debts": [
            row("debts", debt_id=f"{key}D{i}", listing_id=key, lender_id=lender, principal=amount)
            for i, (lender, amount) in enumerate(lenders.items(), 1)
        ],
    }


def joined(*parts: Tables) -> Tables:
    """Several parts as one platform; the required entities are always there."""
    whole: Tables = {name: [] for name in ("users", "escrow_accounts", "listings", "schedules", "debts")}
    for part in parts:
        for name, rows in part.items():
            whole.setdefault(name, []).extend(rows)
    return whole


def small(listings: int = 3) -> Tables:
    """Persons U1..U4 and the company C1; listings L1.. of U1, each lent by U2, U3 and C1; U4 guarantees the first."""
    users = {"users": [*(person(n) for n in range(1, 5)), company(1)]}
    cash = {"escrow_accounts": [row("escrow_accounts", escrow_id=f"E{n}", user_id=f"U{n}") for n in range(1, 4)]}
    loans = [
        loan(n, "U1", {"U2": f"{n}000.00", "U3": "500.50", "C1": "10.01"}, guarantor_id="U4" if n == 1 else None)
        for n in range(1, listings + 1)
    ]
    return joined(users, cash, *loans)
