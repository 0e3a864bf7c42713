"""Bank profile `jx`: the port `Bank` over the layouts, the codec, the request builders and the judges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank import answers, codec, requests, results
from migration.bank.cells import Column, DoesNotFit
from migration.bank.layouts import layout
from migration.bank.names import FILE_NAMES, day, parameter
from migration.bank.reasons import Reasons
from migration.domain.errors import CouldNotCheck
from migration.domain.findings import Finding
from migration.domain.tables import ANSWERS, ROWS
from migration.domain.values import FileLimits

if TYPE_CHECKING:
    from datetime import date

    from migration.bank.answers import Verdicts
    from migration.bank.codec import Records
    from migration.bank.layouts import Layout
    from migration.domain.values import Batch, ResultContext

LINE_ENDINGS: Final = {"lf": results.LF, "crlf": results.CRLF}


@dataclass(frozen=True, slots=True)
class RecordType:
    """How one kind of batch is carried: request and result layout, and the field that joins them."""

    request: str
    result: str
    key: str


RECORD_TYPES: Final = {
    "person": RecordType("APPZX", "APPZXRES", "APPID"),
    "company": RecordType("APPZX", "APPZXRES", "APPID"),
    "listing": RecordType("BIDIN", "BIDINRESP", "BIDNBR"),
    "debt": RecordType("BID", "BIDRESP", "SERI-NO"),
    "authorisation": RecordType("SIGTRAN", "SIGRES", "SERI-NO"),
}


class JxProfile:
    """The custody bank's files. Values are checked at construction: ConfigurationError(CONFIG_VALUE).

    `product` 4 digits or letters, `institution` 6, `issuer` 2, `bank_no` 4; `line_ending` lf | crlf.
    """

    def __init__(
        self,
        product: str,
        institution: str,
        issuer: str,
        bank_no: str = "3005",
        account_prefix: str = "621246",
        line_ending: str = "lf",
        rows_per_file: int = 9_999,
    ) -> None:
        self._product = parameter("product", product, "[0-9A-Z]{4}")
        self._platform = requests.Platform(
            institution=parameter("institution", institution, "[0-9A-Z]{6}"),
            issuer=parameter("issuer", issuer, "[0-9A-Za-z]{2}"),
            bank_no=parameter("bank_no", bank_no, "[0-9]{4}"),
        )
        self._prefix = parameter("account_prefix", account_prefix, "[0-9]{1,18}")
        self._line_ending = LINE_ENDINGS[parameter("line_ending", line_ending, "lf|crlf")]
        parameter("rows_per_file", str(rows_per_file), "[1-9][0-9]*")
        self.rows_per_file = rows_per_file

    @property
    def limits(self) -> FileLimits:
        """What the files can carry: FileLimits' defaults are this bank's, a test holds them against the layouts."""
        return FileLimits()

    @property
    def account_pattern(self) -> str:
        """Return the regular expression of an account number (its Luhn digit is not in it)."""
        return f"{self._prefix}[0-9]{{{answers.ACCOUNT_DIGITS - len(self._prefix)}}}"

    def names(self, kind: str, batch_no: str, business_date: date) -> tuple[str, str]:
        """Request and result file name of a batch."""
        request, result = (
            form.format(
                bank=self._platform.bank_no,
                product=self._product,
                institution=self._platform.institution,
                issuer=self._platform.issuer,
                batch=_batch_number(batch_no),
                day=day(business_date),
            )
            for form in FILE_NAMES[kind]
        )
        return request, result

    def encode(self, kind: str, rows: pa.Table, batch_no: str, business_date: date) -> bytes:
        """Write the request file. `rows` as ROWS[kind], sorted and split; DoesNotFit is a ValueError."""
        if not rows.schema.equals(ROWS[kind]):
            msg = f"rows of a {kind} file must have the columns of ROWS[{kind!r}]"
            raise ValueError(msg)
        if not 0 < rows.num_rows <= self.rows_per_file:
            msg = f"a file holds 1 to {self.rows_per_file} rows, not {rows.num_rows}"
            raise ValueError(msg)
        shape = layout(RECORD_TYPES[kind].request, business_date)
        columns = self._columns(kind, rows, _batch_number(batch_no))
        return codec.encode(shape, columns, rows.num_rows, self._line_ending)

    def _columns(self, kind: str, rows: pa.Table, batch_no: str) -> dict[str, Column]:
        if kind == "listing":
            return requests.listing_fields(rows, self._platform, batch_no)
        if kind == "debt":
            return requests.debt_fields(rows, self._platform, batch_no)
        if kind == "authorisation":
            return requests.authorisation_fields(rows, self._platform, batch_no)
        return requests.account_fields(kind, rows)

    @property
    def serial_start(self) -> str:
        """What stands before a debt's id in SERI-NO."""
        return self._platform.institution + requests.ORDER_MARK

    def sent(self, batch: Batch, request: bytes) -> Records:
        """Cut a sealed request into its records. CouldNotCheck when it is not ours to read."""
        return self._sent(layout(RECORD_TYPES[batch.kind].request, batch.business_date), request, batch.request_name)

    def keys_of(self, kind: str, sent: Records) -> pa.Array:
        """Our own keys of a request's records: a debt's SERI-NO without institution and filler."""
        keys = sent.text(RECORD_TYPES[kind].key)
        return pc.utf8_slice_codeunits(keys, len(self.serial_start) if kind == "debt" else 0)

    def request_of(self, sent: Records) -> bytes:
        """Some records of a request, as a request of their own."""
        return b"".join(row.tobytes() + results.LF for row in sent.matrix)

    def check(self, batch: Batch, request: bytes, result: bytes, context: ResultContext) -> pa.Table:
        """Judge a result as a whole: ANSWERS, or ResultRefused. CouldNotCheck when the request is not ours to read."""
        record_type = RECORD_TYPES[batch.kind]
        request_name, result_name = self.names(batch.kind, batch.batch_no, batch.business_date)
        sent = self._sent(layout(record_type.request, batch.business_date), request, request_name)
        reasons = Reasons(result_name)
        answered = results.read(layout(record_type.result, batch.business_date), result, reasons)
        if batch.kind in {"listing", "debt", "authorisation"}:
            expected = {"BANK": self._platform.bank_no.encode(), "BATCH": batch.batch_no.encode()}
            results.header(answered, expected, reasons)
            results.not_before(answered, batch.business_date, reasons)
            reasons.stop()
        pair = results.join(sent, answered, record_type.key, request_name, reasons)
        keys = self.keys_of(batch.kind, pair.sent)
        verdicts = self._judge(batch.kind, pair, keys, context, reasons)
        reasons.stop()
        return _answers(pair, keys, verdicts)

    def _sent(self, shape: Layout, request: bytes, name: str) -> Records:
        """Cut the sealed request, written with this or, before a change of configuration, the other line ending."""
        for line_ending in (results.LF, results.CRLF):
            try:
                return codec.cut(shape, request, line_ending)
            except ValueError:
                continue
        raise CouldNotCheck(Finding("REQUEST_UNREADABLE", name, "the sealed request is not of this record type"))

    def _judge(
        self, kind: str, pair: results.Pair, keys: pa.Array, context: ResultContext, reasons: Reasons
    ) -> Verdicts:
        if kind == "listing":
            return answers.judge_listings(pair, keys, context, reasons)
        if kind == "debt":
            return answers.judge_debts(pair, keys, context, reasons)
        if kind == "authorisation":
            return answers.judge_authorisations(pair, keys, context, reasons)
        return answers.judge_accounts(pair, keys, context, self._prefix, reasons)


def _batch_number(batch_no: str) -> str:
    if re.fullmatch(r"[0-9]{6}", batch_no, re.ASCII) is None:
        msg = "a batch number has six digits"
        raise ValueError(msg)
    return batch_no


def _answers(pair: results.Pair, keys: pa.Array, verdicts: Verdicts) -> pa.Table:
    """ANSWERS in the order of the request's records; both record numbers from 1."""
    order = np.argsort(pair.record)
    table = pa.table(
        {
            "record_no": pa.array(pair.record + 1),
            "result_record": pa.array(np.arange(1, len(order) + 1)),
            "key": keys,
            "outcome": verdicts.outcome,
            "code": verdicts.code,
            "account_no": verdicts.account_no,
            "activated": verdicts.activated,
            "authcode": verdicts.authcode,
        },
        schema=ANSWERS,
    )
    return table.take(pa.array(order))


__all__ = ["DoesNotFit", "JxProfile", "RecordType"]
