"""Reading back what the bank holds now: accounts by ID number, listings by number, debts by holder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from migration.bank import told
from migration.domain.tables import HELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from migration.bank.query import QueryClient, Reply

LISTING_QUERY: Final = "debtDetailsQuery"
HOLDER_QUERY: Final = "creditDetailsQuery"
ACCOUNT_QUERY: Final = "accountIdQuery"
PAGE: Final = 100
ID_TYPES: Final = {"id_card": "01", "uscc": "25", "org_code": "20"}


class Holdings:
    """Asks for what stands in the bank's books. `serial_start` is cut off debts' serial numbers."""

    def __init__(self, client: QueryClient, serial_start: str) -> None:
        self._client, self._serial_start = client, serial_start

    def held(self, accounts: pa.Table, listings: pa.ChunkedArray, holders: pa.ChunkedArray) -> Mapping[str, pa.Table]:
        """HELD by entity."""
        persons = zip(accounts["id_type"].to_pylist(), accounts["id_no"].to_pylist(), strict=True)
        return {
            "accounts": _table("accounts", (row for kind, no in persons for row in self._account(kind, no))),
            "listings": _table("listings", (row for key in listings.to_pylist() for row in self._listing(key))),
            "debts": _table("debts", (row for holder in holders.to_pylist() for row in self._debts(holder))),
        }

    def _account(self, id_type: str, id_no: str) -> Iterator[dict[str, Any]]:
        reply = self._client.ask(ACCOUNT_QUERY, {"idType": ID_TYPES[id_type], "idNo": id_no})
        if told.state(reply) == "done":
            names = {"account_no": "accountId", "id_no": "idNo", "name": "name", "phone": "mobile"}
            yield {ours: reply.get(theirs) for ours, theirs in names.items()}

    def _listing(self, key: str) -> Iterator[dict[str, Any]]:
        reply = self._client.ask(LISTING_QUERY, {"productId": key})
        if told.state(reply) == "done":
            yield {
                "listing_id": key,
                "account_no": reply.get("accountId"),
                "amount_fen": told.amount(reply, "txAmount"),
                "title": reply.get("productDesc"),
                "term_days": told.digits(reply, reply.get("loanTerm")),
                "guarantor_account": reply.get("suretyAccountId"),
                "nominal_account": reply.get("nominalAccountId"),
                "payee_account": reply.get("payeeAccountId"),
            }

    def _debts(self, holder: str) -> Iterator[dict[str, Any]]:
        """All pages; as many as the bank counts, else QUERY_CONTRADICTS."""
        page, seen, total = 1, 0, 1
        while seen < total:
            reply = self._client.ask(HOLDER_QUERY, {"accountId": holder, "pageNum": str(page), "pageSize": str(PAGE)})
            rows = reply.rows("items")
            total, seen, page = told.digits(reply, reply.get("totalItems")), seen + len(rows), page + 1
            if seen > total or (not rows and seen < total):
                raise told.contradicts(HOLDER_QUERY, "accounts", "the count of debts is not the count that came")
            yield from (self._debt(holder, row) for row in rows)

    def _debt(self, holder: str, row: Reply) -> dict[str, Any]:
        return {
            "debt_id": row.get("orderId").removeprefix(self._serial_start),
            "account_no": holder,
            "listing_id": row.get("productId"),
            "amount_fen": told.amount(row, "txAmount"),
            "authcode": row.get("authCode"),
            "end_date": told.calendar_day(row, row.get("endDate")),
        }


def _table(entity: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), HELD[entity])
