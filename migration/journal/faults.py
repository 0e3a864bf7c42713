"""PostgreSQL's errors as ours, by what the caller must do. Messages carry SQLSTATE and constraint, never values."""

from __future__ import annotations

from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

from migration.domain.errors import ConfigurationError, CutoverError, GateClosed, TransientError

RULE: Final = "CU001"
"""SQLSTATE of the schema's own refusals; the message is the stable code."""

SERIALIZATION: Final = ("40001", "40P01")
LOCK_WAIT: Final = ("55P03", "57014")
SHUT_DOWN: Final = ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "53300")
FULL: Final = ("53100", "53200", "54000")
NO_RIGHT: Final = "42501"
WRONG_STORE: Final = (
    "does not exist",
    "authentication failed",
    "no pg_hba.conf entry",
    "could not translate host name",
    "Name or service not known",
    "no password supplied",
    "permission denied for database",
)
UNIQUE: Final = {
    "item_one_attempt": ("ITEM_ALREADY_SENT", "items", "one of them is in another batch, of unknown outcome or done"),
    "item_one_account": ("ACCOUNT_TAKEN", "users", "an account number belongs to another user"),
    "item_one_authcode": ("AUTHCODE_TAKEN", "debts", "an authorisation code belongs to another debt"),
    "exception_pkey": ("EXCEPTION_ID_TAKEN", "exceptions", "two exceptions would have the same id"),
    "approver_not_self": ("OWN_RIGHT", "approvers", "nobody grants himself the right to approve"),
    "decision_not_own": ("OWN_REQUEST", "gates", "who asked for the approval cannot answer it"),
}


class Passing(Exception):
    """A fault that may be gone at the next try; `lasting` is what to raise when it is not."""

    def __init__(self, lasting: CutoverError) -> None:
        self.lasting = lasting
        super().__init__(str(lasting))


def passing(state: str = "") -> Passing:
    """Build the fault of a store that does not answer."""
    detail = "the store does not answer" + (f" ({state})" if state else "")
    return Passing(
        TransientError.of("JOURNAL_UNAVAILABLE", "store", detail, "run again; is the server of store.url up?")
    )


def is_lost(error: Exception) -> bool:
    """Whether the connection is gone and must not go back to the pool."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)


def translate(error: BaseException | None) -> Exception:
    """Return the error to raise in place of a driver's one."""
    if not isinstance(error, psycopg.Error):
        return CutoverError.of("JOURNAL_FAULT", "store", f"the driver failed: {type(error).__name__}")
    state = error.sqlstate or ""
    if state in SERIALIZATION or state in SHUT_DOWN or state.startswith("08"):
        return passing(state)
    if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _connection(error)
    return _refusal(error, state)


def _refusal(error: psycopg.Error, state: str) -> Exception:
    """Translate what the server said."""
    if state == RULE:
        code = (error.diag.message_primary or "JOURNAL_RULE").strip()
        return GateClosed.of(code, "journal", "the journal's own rules refuse this step")
    if state in LOCK_WAIT:
        return TransientError.of("JOURNAL_BUSY", "store", f"another run holds the journal ({state})", "run again")
    if state in FULL:
        return TransientError.of("JOURNAL_FULL", "store", f"the store has no room ({state})", "make room, run again")
    if state == NO_RIGHT:
        mend = "use the login of the role whose step it is: docs/operations.md"
        return ConfigurationError.of("STORE_RIGHTS", "store.url", "this login may not do this step", mend)
    return _constraint(error, state)


def _constraint(error: psycopg.Error, state: str) -> Exception:
    name = error.diag.constraint_name or ""
    if name in UNIQUE:
        return GateClosed.of(*UNIQUE[name])
    if state.startswith("23"):
        return GateClosed.of("JOURNAL_INVARIANT", "journal", f"constraint {name} refuses this step ({state})")
    return CutoverError.of("JOURNAL_FAULT", "store", f"the store refused a statement ({state or type(error).__name__})")


def _connection(error: psycopg.Error) -> Exception:
    """Judge a failed connection, which has no SQLSTATE: a wrong address or name is the configuration's fault."""
    if any(words in str(error) for words in WRONG_STORE):
        detail = "the store's address, database or credentials are refused"
        return ConfigurationError.of("STORE_UNREACHABLE", "store.url", detail, "mend store.url")
    return passing()
