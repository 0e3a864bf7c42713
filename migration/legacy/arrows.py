"""Small Arrow steps the legacy room shares."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# The compute functions are generated at import and typed unevenly by the stubs; one untyped door keeps the noise here.
compute: Final[Any] = pc


def empty_to_null(text: Any) -> pa.StringArray:
    """Return the column with NULL where the text is empty: for the contract an empty cell is an absent one."""
    if (compute.min(compute.binary_length(text)).as_py() or 0) > 0:
        return text  # the usual case, told by a look at the lengths alone
    return compute.if_else(compute.equal(text, ""), pa.scalar(None, pa.string()), text)


def mask_of(flags: Any) -> npt.NDArray[np.bool_]:
    """Boolean Arrow array to NumPy; NULL is false."""
    return np.asarray(compute.fill_null(flags, False).to_numpy(zero_copy_only=False), dtype=bool)


def matches(text: Any, pattern: str) -> npt.NDArray[np.bool_]:
    """Where the pattern (anchored by the caller) matches; NULL does not."""
    return mask_of(compute.match_substring_regex(text, pattern))


def groups(text: Any, pattern: str) -> dict[str, pa.StringArray]:
    """Return the named groups of a pattern as columns; empty text where it does not match or the group is absent."""
    found = compute.extract_regex(text, pattern)
    return {
        found.type.field(i).name: compute.fill_null(compute.struct_field(found, [i]), "")
        for i in range(found.type.num_fields)
    }


def lengths(text: Any) -> npt.NDArray[np.int64]:
    """Bytes of each value; 0 for NULL."""
    return np.asarray(compute.fill_null(compute.binary_length(text), 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def integers(text: Any, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """ASCII digits to int64 where `usable`; 0 elsewhere."""
    safe = compute.if_else(pa.array(usable), text, "0")
    return np.asarray(safe.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
