"""The report as one document: values without a layout. `page.py`, `workbook.py` and `print.py` each draw it in their way.

The language is resolved when a document is built: it holds sentences and raw values, no words by id. Amounts are int fen,
moments aware, counts int; how they look is the drawing's matter. Nothing in it is markup: every text is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal, Protocol

import pyarrow as pa

Tone = Literal["good", "bad", "warn", "plain"]
ColumnKind = Literal["text", "count", "fen", "code", "time", "mark"]
CHUNK: Final = 65_536
"""Rows of a table that are turned into cells at a time."""
SHOWN: Final = 1_000
"""Rows of a list that the page shows; the workbook has all of them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A word with a colour: agrees, signed, failed."""

    word: str
    tone: Tone = "plain"


Cell = str | int | datetime | Mark | None
Row = Sequence[Cell]


class Rows(Protocol):
    """Rows that may be many: counted, and read from the first one again and again."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """The rows of an Arrow table, each made when it is read: a long list is never in memory as a whole."""

    table: pa.Table
    make: Callable[[Mapping[str, Any]], Row]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Row]:
        for batch in self.table.to_batches(max_chunksize=CHUNK):
            for row in batch.to_pylist():
                yield self.make(row)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` says what its cells hold.

    text (str; a line feed breaks the line), count (int), fen (int, shown in yuan), code (str: an id or a digest, may break
    anywhere), time (aware datetime), mark (Mark). `weight`: its share of a printed line beside the others; 0 is the kind's own.
    """

    title: str
    kind: ColumnKind = "text"
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. Every row has a cell for each column; None is shown as a dash or as nothing.

    `shown`: rows on a page; the rest is counted there and stands in the workbook. `total`: the last row is a sum.
    `tall`: rows with room to write in by hand. `narrow`: only as wide as its cells.
    """

    columns: Sequence[Column]
    rows: Rows
    title: str = ""
    note: str = ""
    shown: int = SHOWN
    total: bool = False
    tall: bool = False
    narrow: bool = False

    @property
    def more(self) -> int:
        """Rows that a page does not show."""
        return max(0, len(self.rows) - self.shown)

    def first(self) -> list[Row]:
        """The rows that a page shows."""
        return list(islice(self.rows, self.shown))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words. `lead`: what the section is about, set back a little."""

    text: str
    tone: Tone = "plain"
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that is looked at first; a `fen` is shown in yuan."""

    name: str
    value: int
    kind: Literal["count", "fen"] = "count"
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Tiles:
    """Figures side by side."""

    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of a waterfall. `total`: it stands on the ground (the beginning, the end); else it takes `fen` away."""

    label: str
    fen: int
    tone: str  # whole | move | stay | warn | good | bad
    total: bool = False


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From what was there down to what is left over."""

    title: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Series:
    """One figure for each label of its chart."""

    name: str
    values: Sequence[int]
    tone: str = "move"


@dataclass(frozen=True, slots=True)
class Bars:
    """Lying bars, a label each; the series of one label are laid end to end. `kind`: what the values are."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: Literal["count", "fen", "seconds"] = "count"


@dataclass(frozen=True, slots=True)
class Line:
    """Lines over labels in order (days, runs)."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: Literal["count", "fen", "seconds"] = "count"


Chart = Waterfall | Bars | Line
Block = Table | Paragraph | Bullets | Tiles | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `id` is an anchor and the stem of a sheet (ASCII), `title` its heading.

    In print, `page`: it begins a page of its own; `wide`: its pages lie on their side.
    """

    id: str
    title: str
    blocks: Sequence[Block]
    page: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value of the cover."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Document:
    """The whole. `words`: what the drawings say themselves (contents, page n of m), by the ids of `words.DRAWING`."""

    language: str  # zh | en
    title: str
    subtitle: str
    cutover_id: str
    kind: str  # sit | uat | rehearsal | production
    kind_name: str
    verdict: str  # complete | incomplete | broken
    conclusion: str
    reasons: Sequence[str]  # why it is not complete; what is to be signed
    facts: Sequence[Fact]
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    made_at: datetime
    words: Mapping[str, str]
    digest: str = ""  # SHA-256 of the figures file that stands beside it
