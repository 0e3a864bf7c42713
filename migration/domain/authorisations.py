"""Old authorisations (自动投标、自动债转授权): carried over when the policy says so, else every one lapses.

Source: bank-interface.md section 5. Nothing hangs on an authorisation but its user's convenience: one that the bank
refuses, that no file can carry, or whose user has no account lapses with its reason, and its user is told to consent anew.
Only an outcome that is not known (the bank says that the serial exists) waits for somebody's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.attempts import Attempts
from migration.domain.columns import Mask, build, flat, is_null, mask, member, texts
from migration.domain.parties import Party, People
from migration.domain.tables import AUTHORISATION_ROWS, RESENDS

SERIAL: Final = r"^[\x21-\x7E]{1,40}$"
"""What the file's field SERI-NO (40 bytes) can carry."""

_DISPOSITIONS: Final = ("excepted", "registered", "excepted", "blocked", "pending", "lapsed")
_ORPHAN, _REGISTERED, _SIGNED, _UNKNOWN, _PENDING, _LAPSED = range(len(_DISPOSITIONS))
_LAPSES: Final = ("CONSENT_NEEDED", "PLATFORM_PARTY", "FIELD_INVALID", "PARTY_NOT_OPENED", "BANK", None)
_CONSENT, _PLATFORM, _INVALID, _NO_ACCOUNT, _REFUSED, _NONE = range(len(_LAPSES))


@dataclass(frozen=True, slots=True)
class AuthorisationBook:
    """Every authorisation with its disposition, as aligned columns in the order of the snapshot (by serial)."""

    table: pa.Table
    holder: Party
    disposition: pa.Array  # registered | lapsed | excepted; interim: pending | blocked
    reason: pa.Array
    unknown: Mask  # the bank answered, and what it holds is not known
    sendable: Mask

    def rows(self) -> pa.Table:
        """AUTHORISATION_ROWS of what may be sent now, sorted by key."""
        ready = pa.array(self.sendable)
        table = self.table.filter(ready)
        return build(
            AUTHORISATION_ROWS,
            key=table["serial"],
            holder_account=self.holder.account.filter(ready),
            amount_fen=np.zeros(table.num_rows, np.int64),
            kind=table["kind"],
            granted_at=table["granted_at"],
        )


def authorisation_book(
    table: pa.Table, items: pa.Table, signatures: pa.Table, people: People, *, carry: bool
) -> AuthorisationBook:
    """Decide about every authorisation. `items` and `signatures` are those of authorisations."""
    holder = people.party(table["user_id"])
    attempts = Attempts.of(table["serial"], items, RESENDS.empty_table())
    signed = member(table["serial"], signatures["key"])
    why = _why(table, holder, attempts, carry=carry)
    tried = attempts.ok | attempts.open | attempts.unknown | attempts.refused
    waiting = carry & holder.undecided & np.isin(why, (_NO_ACCOUNT, _NONE))
    sendable = (why == _NONE) & ~tried & ~holder.not_opened
    at = np.full(table.num_rows, _LAPSED)
    for word, where in (
        (_PENDING, sendable | attempts.open | waiting),
        (_UNKNOWN, attempts.unknown),
        (_SIGNED, attempts.unknown & signed),
        (_REGISTERED, attempts.ok),
        (_ORPHAN, holder.kept < 0),
    ):
        at[where] = word
    return AuthorisationBook(
        table=table,
        holder=holder,
        disposition=texts(_DISPOSITIONS, at),
        reason=_reason(at, why, attempts.code),
        unknown=attempts.unknown,
        sendable=sendable & (at == _PENDING),
    )


def _why(
    table: pa.Table, holder: Party, attempts: Attempts, *, carry: bool
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Why it lapses, by position in _LAPSES; the first that fits."""
    if not carry:
        return np.full(table.num_rows, _CONSENT)
    why = np.full(table.num_rows, _NONE)
    invalid = ~mask(pc.match_substring_regex(flat(table["serial"]), SERIAL)) | is_null(table["granted_at"])
    for word, where in (
        (_REFUSED, attempts.refused),
        (_NO_ACCOUNT, holder.not_opened & ~attempts.refused),
        (_INVALID, invalid),
        (_PLATFORM, holder.platform),
    ):
        why[where] = word
    return why


def _reason(
    at: np.ndarray[tuple[int], np.dtype[np.int64]], why: np.ndarray[tuple[int], np.dtype[np.int64]], code: pa.Array
) -> pa.Array:
    """Reason codes; NULL while nothing is decided."""
    bank = pc.binary_join_element_wise("BANK_", pc.fill_null(code, ""), "")
    lapse = pc.if_else(pa.array(why == _REFUSED), bank, texts(_LAPSES, why))
    fixed = texts(("ORPHAN", "REGISTERED", None, None, None, None), at)
    of_bank = pa.array(np.isin(at, (_SIGNED, _UNKNOWN)))
    found = pc.if_else(pa.array(at == _LAPSED), lapse, fixed)
    return pc.if_else(of_bank, bank, found)
