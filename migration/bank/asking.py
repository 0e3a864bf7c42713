"""Port `Inquiries` for profile `jx`: questions by batch and by item, and what the bank holds.

A reply about an item is put into the layout of the result file and judged by the very rules that a file is judged by
(`JxProfile.check`): echo, account numbers, owners, authorisation codes. A count, sum or currency that is not the one sent
is no answer (QUERY_CONTRADICTS).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank import told
from migration.bank.holdings import LISTING_QUERY, Holdings
from migration.bank.layouts import layout
from migration.bank.names import day
from migration.bank.profile import RECORD_TYPES, JxProfile
from migration.bank.yuan import yuan_of
from migration.domain.findings import Finding
from migration.domain.tables import ANSWERS
from migration.domain.values import Batch, Inquired, ResultRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migration.bank.codec import Records
    from migration.bank.query import QueryClient, Reply
    from migration.domain.values import ResultContext

BATCH_QUERY: Final = "batchQuery"
STATUS_QUERY: Final = "transactionStatusQuery"
EXISTS_ALREADY: Final = "22"
_TERMS: Final = {"INTTYPE": "intType", "INTPAYDAY": "intPayDay", "YIELD": "yield"}
"""What the details of a listing say and no result file does."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One answered item: its record in the request (from 0), and the reply in the layout of a result record."""

    at: int
    key: str
    record: bytes
    by_details: bool  # the listing's details were asked, for the answer was "exists already"
    same_terms: bool


@dataclass(slots=True)
class _Asked:
    """What came of the items so far."""

    told: list[_Told] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    processing: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


class JxInquiries:
    """Port `Inquiries` over the bank's messages. `client` asks, `profile` knows the files."""

    def __init__(self, profile: JxProfile, client: QueryClient) -> None:
        self._profile, self._client = profile, client
        self._holdings = Holdings(client, profile.serial_start)

    def batch(self, batch: Batch) -> Literal["done", "processing", "absent"]:
        """How far the bank is with a file. QUERY_CONTRADICTS when its count, sum or currency is not the batch's."""
        reply = self._client.ask(BATCH_QUERY, _file(batch))
        found = told.state(reply)
        if found == "done":
            known = {"txCounts": str(batch.rows), "txAmount": yuan_of(batch.sum_fen), "currency": told.CURRENCY}
            for name, value in known.items():
                if reply.get(name) != value:
                    raise told.contradicts(BATCH_QUERY, _subject(batch), f"field {name} is not the batch's")
        return found

    def items(self, batch: Batch, request: bytes, keys: Sequence[str], context: ResultContext) -> Inquired:
        """What came of these items of a file, judged as a result file of exactly those rows would be."""
        sent = self._profile.sent(batch, request)
        own = self._profile.keys_of(batch.kind, sent)
        wanted = np.flatnonzero(np.asarray(pc.is_in(own, value_set=pa.array(keys, pa.string()))))
        asked = _Asked()
        for at in wanted.tolist():
            self._ask(batch, sent, at, own[at].as_py(), asked)
        differing = [one for one in asked.told if one.by_details and not self._same(batch, sent, one, context)]
        kept = [one for one in asked.told if one not in differing]
        answers = self._judged(batch, sent, kept, context) if kept else ANSWERS.empty_table()
        return Inquired(
            answers=answers,
            records=_content(kept),
            replies=b"".join(line + b"\n" for line in asked.lines),
            processing=tuple(asked.processing),
            absent=tuple(asked.absent),
            differing=tuple(_differs(batch, one.key) for one in differing),
        )

    def held(self, accounts: pa.Table, listings: pa.ChunkedArray, holders: pa.ChunkedArray) -> Mapping[str, pa.Table]:
        """Read back accounts by ID number, listings by number, debts by holder."""
        return self._holdings.held(accounts, listings, holders)

    def _ask(self, batch: Batch, sent: Records, at: int, key: str, asked: _Asked) -> None:
        name = sent.text(RECORD_TYPES[batch.kind].key)[at].as_py()
        reply = self._put(asked, STATUS_QUERY, {**_file(batch), "itemId": name})
        found, code = told.state(reply), None
        if found == "done" and batch.kind == "listing" and reply.get("rspCode") == EXISTS_ALREADY:
            details = self._put(asked, LISTING_QUERY, {"productId": name})
            if told.state(details) == "done":
                reply, code = details, "00"
        fields = {each.name: sent.cut(each.name)[at].tobytes() for each in sent.layout.fields}
        if found == "processing":
            asked.processing.append(key)
        elif found == "absent":
            asked.absent.append(key)
        else:
            shape = layout(RECORD_TYPES[batch.kind].result, batch.business_date)
            record = told.record(batch.kind, shape, fields, reply, code)
            same = code is None or all(fields[f].decode().strip() == reply.get(n) for f, n in _TERMS.items())
            asked.told.append(_Told(at, key, record, by_details=code is not None, same_terms=same))

    def _put(self, asked: _Asked, tx_code: str, body: Mapping[str, str]) -> Reply:
        reply = self._client.ask(tx_code, body)
        asked.lines.append(reply.text)
        return reply

    def _judged(self, batch: Batch, sent: Records, kept: Sequence[_Told], context: ResultContext) -> pa.Table:
        """ANSWERS with the record numbers of the whole request."""
        found = self._check(batch, sent, kept, context)
        if isinstance(found, ResultRefused):
            raise told.contradicts(STATUS_QUERY, _subject(batch), "an answer is not to what was sent", found)
        numbers = pa.array([one.at + 1 for one in kept], pa.int64())
        renumbered = numbers.take(pc.subtract(found["record_no"].combine_chunks(), 1))
        return found.set_column(0, ANSWERS.field("record_no"), renumbered)

    def _same(self, batch: Batch, sent: Records, one: _Told, context: ResultContext) -> bool:
        return one.same_terms and not isinstance(self._check(batch, sent, [one], context), ResultRefused)

    def _check(
        self, batch: Batch, sent: Records, kept: Sequence[_Told], context: ResultContext
    ) -> pa.Table | ResultRefused:
        rows = self._profile.request_of(sent.take(np.array([one.at for one in kept])))
        try:
            return self._profile.check(batch, rows, _content(kept), context)
        except ResultRefused as refused:
            return refused


def _content(kept: Sequence[_Told]) -> bytes:
    return b"".join(one.record + b"\n" for one in kept)


def _file(batch: Batch) -> dict[str, str]:
    return {"fileName": batch.request_name, "batchNo": batch.batch_no, "batchDate": day(batch.business_date)}


def _differs(batch: Batch, key: str) -> Finding:
    mend = "ask the bank whose listing it is, then sign"
    return Finding("QUERY_DIFFERS", f"{batch.stage}/{key}", "the bank holds it with other content than was sent", mend)


def _subject(batch: Batch) -> str:
    return f"batches/{batch.business_date.isoformat()}/{batch.batch_no}"
