"""What the bank has said so far of each item: the latest attempt, and whether it may go out again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import Indices, Mask, equals, flat, latest, lookup, pick, pick_int, pick_mask


@dataclass(frozen=True, slots=True)
class Attempts:
    """The latest attempt of each of `keys`, as aligned columns."""

    ok: Mask
    open: Mask
    unknown: Mask
    refused: Mask
    resent: Mask  # refused, and marked for the next round after that attempt
    code: pa.Array
    authcode: pa.Array
    batch_no: pa.Array
    account_no: pa.Array
    round: Indices  # 0 = never sent

    @classmethod
    def of(cls, keys: pa.ChunkedArray, items: pa.Table, resends: pa.Table) -> Attempts:
        """`items` in ITEMS and `resends` in RESENDS, of one entity."""
        last = latest(items, "key")
        at = lookup(keys, last["key"])
        state = pick(last["state"], at)
        marked = _after(last, resends)
        return cls(
            ok=equals(state, "ok"),
            open=equals(state, "open"),
            unknown=equals(state, "unknown"),
            refused=equals(state, "refused"),
            resent=pick_mask(marked, at),
            code=pick(last["code"], at),
            authcode=pick(last["authcode"], at),
            batch_no=pick(last["batch_no"], at),
            account_no=pick(last["account_no"], at),
            round=pick_int(last["round"].to_numpy(), at),
        )


def _after(last: pa.Table, resends: pa.Table) -> Mask:
    """Where an attempt is the very one that a resend mark answers."""
    return np.asarray(
        pc.is_in(
            attempt_of(last["key"], last["business_date"], last["batch_no"]),
            value_set=attempt_of(resends["key"], resends["after_date"], resends["after_batch"]),
        ).to_numpy(zero_copy_only=False),
        np.bool_,
    )


def attempt_of(key: pa.ChunkedArray, day: pa.ChunkedArray, batch: pa.ChunkedArray) -> pa.Array:
    """`key/date/number`: one attempt of one item."""
    return pc.binary_join_element_wise(flat(key), flat(day).cast(pa.string()), flat(batch), "/")


def batch_of(items: pa.Table) -> pa.Array:
    """`date/number`: the batch of each of ITEMS."""
    return pc.binary_join_element_wise(flat(items["business_date"]).cast(pa.string()), flat(items["batch_no"]), "/")
