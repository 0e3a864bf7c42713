"""What the bank has said of each user, and whether a refusal still stands.

A refused user goes out again only when something that is sent about him has changed since: the digest of his row tells.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import MISSING, Indices, Mask, equals, flat, lookup, mask, pick

if TYPE_CHECKING:
    from collections.abc import Mapping

SENT_COLUMNS: Final = ("kind", "name", "id_no", "id_type", "phone", "sex", "email", "corporate_account")


def row_digest(table: pa.Table) -> pa.Array:
    """SHA-256 (hex) of what is sent about each user. Takes ACCOUNT_ROWS or the users' book.

    NULL differs from empty; control characters, which join the columns here, occur in no row that is sent.
    """
    columns = [pc.fill_null(flat(table[name]), "\x00") for name in SENT_COLUMNS]
    contents = pc.binary_join_element_wise(*columns, "\x1f").cast(pa.binary())
    return pa.array([hashlib.sha256(content).hexdigest() for content in contents.to_pylist()], pa.string())


@dataclass(frozen=True, slots=True)
class Openings:
    """The attempts of each user, row for row."""

    ok: Mask
    live: Mask  # ok, or the answer is awaited or not known
    refused: Mask  # at least once
    code: pa.Array  # of the latest refusal
    digest: pa.Array  # of the row that was refused latest
    account_no: pa.Array  # when ok
    activated: pa.Array  # when ok

    @classmethod
    def of(cls, ids: pa.Array, items: pa.Table, sent: pa.Table | None) -> Openings:
        """From ITEMS of users; `sent` (key, row_digest) stands in for the digests in `items` when it is given."""
        at = lookup(items["key"], ids)

        def latest(*states: str) -> Indices:
            found = np.full(len(ids), MISSING, np.int64)
            chosen = np.flatnonzero(equals(items["state"], *states) & (at != MISSING))
            found[at[chosen]] = chosen  # of several the last one stays: ITEMS is in order
            return found

        ok, refused = latest("ok"), latest("refused")
        return cls(
            ok=ok != MISSING,
            live=latest("ok", "open", "unknown") != MISSING,
            refused=refused != MISSING,
            code=pick(items["code"], refused),
            digest=pick(items["row_digest"], refused)
            if sent is None
            else pick(sent["row_digest"], lookup(ids, sent["key"])),
            account_no=pick(items["account_no"], ok),
            activated=pick(items["activated"], ok),
        )

    def still_refused(self, columns: Mapping[str, pa.Array]) -> Mask:
        """Refused, and what would be sent now (SENT_COLUMNS) is what was refused; an unknown digest counts as such."""
        stands = self.refused & ~self.live
        where = pa.array(np.flatnonzero(stands))
        now = row_digest(pa.table({name: columns[name] for name in SENT_COLUMNS}).take(where))
        stands[stands] = ~mask(pc.not_equal(now, self.digest.take(where)))
        return stands
