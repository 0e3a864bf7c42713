"""What the codec's parts share: byte matrices, the alphabet's bounds, and what is raised for one cell."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Matrix = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Column: TypeAlias = pa.Array | Numbers | bytes
"""A field's values: text or date32 (Arrow), numbers (int64), or one constant for all records (bytes, unpadded)."""

CHUNK: Final = 4_096
"""Records worked on at a time: 2 MB at most, which stays in a core's own cache (measured: 64k are a third slower)."""
SPACE: Final = 0x20
LINE_FEED: Final = 0x0A
DELETE: Final = 0x7F
FIRST_HIGH: Final = 0x80
ZERO: Final = ord("0")
ENCODING: Final = "gbk"  # never gb2312: it maps A1A4 to another dot


class DoesNotFit(ValueError):
    """A value that its field cannot carry. `record` counts from 1."""

    def __init__(self, record: int, field: str, why: str) -> None:
        self.record, self.field, self.why = record, field, why
        super().__init__(f"record {record} field {field}: {why}")


class NotReadable(ValueError):
    """A field that cannot be read. `row` counts from 0."""

    def __init__(self, row: int, field: str, why: str) -> None:
        self.row, self.field, self.why = row, field, why
        super().__init__(f"record {row + 1} field {field}: {why}")
