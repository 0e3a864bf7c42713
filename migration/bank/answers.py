"""What an answer means, by record type: bank-interface.md sections 2 to 5.

Each judge collects what breaks a rule of the whole file and returns one verdict a row, in the order of the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank import results

if TYPE_CHECKING:
    from migration.bank.cells import Mask, Matrix
    from migration.bank.reasons import Reasons
    from migration.bank.results import Pair
    from migration.domain.values import ResultContext

OK: Final = "ok"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"
ACCOUNT_OK: Final = "000"
FILE_OK: Final = "00"
EXISTS_ALREADY: Final = "22"
LINKED_ELSEWHERE: Final = "N"  # FLAG N of somebody else
ACCOUNT_DIGITS: Final = 19
FIRST_PRINTABLE: Final = 0x21
LAST_PRINTABLE: Final = 0x7E
SPACE: Final = 0x20

IDENTITY: Final = ("IDNO", "IDTYPE", "NAME", "MOPHONE")
ACCOUNT_ECHO: Final = ("ACCTYPE", "INFO")  # with APPID, the key of the join
LISTING_ECHO: Final = (
    "BID-DESC",
    "CARDNBR",
    "AMOUNT",
    "LOANTERM",
    "CARDNBR-SU",
    "CARDNBR-MY",
    "CARDNBR-PE",
    "RESERVED",
    "TRDRESV",
)
AUTHORISATION_ECHO: Final = ("CARDNBR", "FUISSUER", "SIG-TYPE", "SIG-DATE", "SIG-TIME", "RESERVED", "TRDRESV")
SERIAL_EXISTS: Final = "11"
DEBT_ECHO: Final = ("CARDNBR", "FUISSUER", "PRODUCT", "AMOUNT", "BIDIF", "RESE")


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """One a row, in the order of the answers: the columns of ANSWERS beside its keys."""

    outcome: pa.Array
    code: pa.Array
    account_no: pa.Array
    activated: pa.Array
    authcode: pa.Array


def judge_accounts(pair: Pair, keys: pa.Array, context: ResultContext, prefix: str, reasons: Reasons) -> Verdicts:
    """APPZX: S opened, F refused, N opened elsewhere before: a success only for the same ID, name and phone."""
    opened, failed, linked = (pair.answered.cut("FLAG")[:, 0] == ord(flag) for flag in "SFN")
    reasons.where(~(opened | failed | linked), "RESULT_CODE", "field FLAG is none of S, F, N")
    another = np.zeros(len(keys), np.bool_)
    for name in IDENTITY:
        differs = pair.differs(name)
        another |= linked & differs
        reasons.where(differs & ~linked, "RESULT_ECHO", f"field {name} differs from what was sent")
    results.echo(pair, ACCOUNT_ECHO, reasons)
    _account_codes(pair, opened, failed, reasons)
    ok = opened | (linked & ~another)
    accounts = pair.answered.text("CARDNBR")
    _account_numbers(pair.answered.cut("CARDNBR"), ok, failed, prefix, reasons)
    _account_owners(accounts, keys, ok, context, reasons)
    codes = pc.if_else(_bools(ok), ACCOUNT_OK, pair.answered.text("ERRCODE"))
    return Verdicts(
        outcome=pc.if_else(_bools(ok), OK, REFUSED),
        code=pc.if_else(_bools(another), LINKED_ELSEWHERE, codes),
        account_no=_kept(accounts, ok),
        activated=_kept(_bools(linked), ok),
        authcode=_nothing(len(keys)),
    )


def _account_codes(pair: Pair, opened: Mask, failed: Mask, reasons: Reasons) -> None:
    code = pair.answered.cut("ERRCODE")
    blank = (code == SPACE).all(axis=1)
    digits = ((code >= ord("0")) & (code <= ord("9"))).all(axis=1)
    zero = (code == ord("0")).all(axis=1)
    reasons.where(~blank & ~digits, "RESULT_CODE", "field ERRCODE is no three-digit code")
    reasons.where(opened & digits & ~zero, "RESULT_CODE", "field ERRCODE contradicts FLAG S")
    reasons.where(failed & (blank | zero), "RESULT_CODE", "field ERRCODE gives no reason for FLAG F")


def _account_numbers(piece: Matrix, ok: Mask, failed: Mask, prefix: str, reasons: Reasons) -> None:
    valid = valid_accounts(piece, prefix)
    reasons.where(ok & ~valid, "RESULT_ACCOUNT_NUMBER", "field CARDNBR is no valid account number")
    empty = (piece == SPACE).all(axis=1) | (piece == ord("0")).all(axis=1)
    reasons.where(failed & ~empty, "RESULT_ACCOUNT_NUMBER", "field CARDNBR gives an account with FLAG F")


def _account_owners(accounts: pa.Array, keys: pa.Array, ok: Mask, context: ResultContext, reasons: Reasons) -> None:
    """Check that an account number belongs to one user only, in this file and in all before it."""
    twice = results.doubled(accounts, ok)
    reasons.where(twice, "RESULT_ACCOUNT_TAKEN", "field CARDNBR is given to two users of the file")
    taken = context.taken.filter(pc.is_in(context.taken["account_no"], value_set=accounts))
    at = pc.index_in(accounts, value_set=_flat(taken["account_no"]))
    owner = _flat(taken["user_id"]).take(at)
    other = ok & np.asarray(pc.fill_null(pc.not_equal(owner, keys), False))
    reasons.where(other, "RESULT_ACCOUNT_TAKEN", "field CARDNBR is another user's account")


def valid_accounts(piece: Matrix, prefix: str) -> Mask:
    """Where the field holds 19 ASCII digits with the bank's prefix and a right Luhn digit; (rows, 19) -> (rows,)."""
    digits = piece - np.uint8(ord("0"))  # bytes below `0` wrap round to large numbers
    well_formed = (digits <= 9).all(axis=1)  # noqa: PLR2004 - the last digit
    well_formed &= (piece[:, : len(prefix)] == np.frombuffer(prefix.encode(), np.uint8)).all(axis=1)
    twice = digits[:, -2::-2].astype(np.int64) * 2
    total = digits[:, ::-2].sum(axis=1, dtype=np.int64) + (twice - 9 * (twice > 9)).sum(axis=1)  # noqa: PLR2004
    valid: Mask = well_formed & (total % 10 == 0)
    return valid


def judge_listings(pair: Pair, keys: pa.Array, context: ResultContext, reasons: Reasons) -> Verdicts:
    """BIDIN: 00 registered; 22 exists already: ours if the journal holds a success for it, else not known."""
    results.echo(pair, LISTING_ECHO, reasons)
    _holder_names(pair, context, reasons)
    return _registered_or_there(pair, keys, EXISTS_ALREADY, context, reasons)


def judge_debts(pair: Pair, keys: pa.Array, context: ResultContext, reasons: Reasons) -> Verdicts:
    """BID: 00 with an authorisation code of its own is registered; all else is refused."""
    results.echo(pair, DEBT_ECHO, reasons)
    _holder_names(pair, context, reasons)
    codes = _answer_codes(pair, reasons)
    ok = np.asarray(pc.equal(codes, FILE_OK))
    authcodes = pair.answered.text("AUTHCODE")
    reasons.where(ok & ~_one_word(pair.answered.cut("AUTHCODE")), "RESULT_AUTHCODE", "field AUTHCODE is missing or bad")
    reasons.where(results.doubled(authcodes, ok), "RESULT_AUTHCODE", "field AUTHCODE stands twice in the file")
    known = context.authcodes.filter(pc.is_in(context.authcodes, value_set=authcodes))
    used = ok & np.asarray(pc.is_in(authcodes, value_set=_flat(known)))
    reasons.where(used, "RESULT_AUTHCODE", "field AUTHCODE was given to another debt before")
    outcome = pc.if_else(_bools(ok), OK, REFUSED)
    return Verdicts(outcome, codes, _nothing(len(keys)), _nothing(len(keys), pa.bool_()), _kept(authcodes, ok))


def judge_authorisations(pair: Pair, keys: pa.Array, context: ResultContext, reasons: Reasons) -> Verdicts:
    """SIGTRAN: 00 registered; 11 serial exists: ours if the journal holds a success for it, else not known."""
    results.echo(pair, AUTHORISATION_ECHO, reasons)
    return _registered_or_there(pair, keys, SERIAL_EXISTS, context, reasons)


def _registered_or_there(pair: Pair, keys: pa.Array, there: str, context: ResultContext, reasons: Reasons) -> Verdicts:
    """00 is a success; the code for "there already" one only where our journal holds it; all else is refused."""
    codes = _answer_codes(pair, reasons)
    ok = np.asarray(pc.equal(codes, FILE_OK))
    exists = np.asarray(pc.equal(codes, there))
    ours = exists & np.asarray(pc.is_in(keys, value_set=_flat(context.confirmed)))
    outcome = pc.if_else(_bools(ok | ours), OK, pc.if_else(_bools(exists), UNKNOWN, REFUSED))
    return Verdicts(outcome, codes, _nothing(len(keys)), _nothing(len(keys), pa.bool_()), _nothing(len(keys)))


def _answer_codes(pair: Pair, reasons: Reasons) -> pa.Array:
    """RSPCODE: two printable characters."""
    piece = pair.answered.cut("RSPCODE")
    printable = np.all((piece >= FIRST_PRINTABLE) & (piece <= LAST_PRINTABLE), axis=1)
    reasons.where(~printable, "RESULT_CODE", "field RSPCODE is not two printable characters")
    return pair.answered.text("RSPCODE")


def _one_word(piece: Matrix) -> Mask:
    """Where a field holds printable ASCII from its first byte on, without a gap, then padding."""
    printable = (piece >= FIRST_PRINTABLE) & (piece <= LAST_PRINTABLE)
    word: Mask = printable[:, 0] & (printable | (piece == SPACE)).all(axis=1)
    word &= ~(printable[:, 1:] & ~printable[:, :-1]).any(axis=1)
    return word


def _holder_names(pair: Pair, context: ResultContext, reasons: Reasons) -> None:
    """Check that NAME is blank or the name of the account's owner; accounts we know no name for are passed over."""
    accounts = pair.answered.text("CARDNBR")
    known = context.names.filter(pc.is_in(context.names["account_no"], value_set=accounts))
    owner = _flat(known["name"]).take(pc.index_in(accounts, value_set=_flat(known["account_no"])))
    given = pair.answered.text("NAME")
    differs = pc.and_(pc.not_equal(given, ""), pc.not_equal(given, pc.utf8_rtrim(owner, characters=" ")))
    reasons.where(np.asarray(pc.fill_null(differs, False)), "RESULT_ECHO", "field NAME is not the account owner's")


def _flat(column: pa.ChunkedArray) -> pa.Array:
    """Return one text array of a context column (an empty one may come without a type)."""
    return column.cast(pa.string()).combine_chunks()


def _bools(mask: Mask) -> pa.Array:
    return pa.array(mask, pa.bool_())


def _kept(values: pa.Array, ok: Mask) -> pa.Array:
    """Return the values of successes; NULL for all else."""
    return pc.if_else(_bools(ok), values, pa.scalar(None, values.type))


def _nothing(rows: int, kind: pa.DataType | None = None) -> pa.Array:
    return pa.nulls(rows, kind or pa.string())
