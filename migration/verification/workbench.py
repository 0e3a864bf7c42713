"""Both sides on one table: the small tables whole, the large ones window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.verification import asked, people
from migration.verification.chunks import Merged, differing
from migration.verification.codes import Codes
from migration.verification.database import Database
from migration.verification.evidence import Evidence, Exchanged
from migration.verification.gathered import OF_DEBTS, OF_SCHEDULES, Gathered
from migration.verification.intake import BATCHES, Taken, ddl, take
from migration.verification.readers import COLUMNS, EXCHANGE_OF
from migration.verification.shelf import Shelf
from migration.verification.spec import Scope
from migration.verification.views import SETTLED, VIEWS
from migration.verification.windows import together

WINDOW: Final = 131_072
"""Rows of a side in a window."""
FOLDED: Final = 1_000_000
"""Gathered rows of a table that are added up once there are more."""

CLAIMED: Final = ("users", "listings", "residuals", "authorisations", "notices", "batches")
SUMMED: Final = ("g_persons", "g_listings")
"""Gathered sums into which corruptions are planted."""
LARGE: Final = ("debts", "schedules")
"""Entities that come in windows."""


class Workbench(Database):
    """The tables by name: `s_*` snapshot, `person`, `q_*` requests, `a_*` answers, `batches`, `signed`, `c_*` claim.

    Those of debts and schedules hold one window at a time (`windows`); `g_*` and `left_to_pay` what was gathered from them.
    """

    def __init__(self, evidence: Evidence, window: int = WINDOW) -> None:
        super().__init__(evidence)
        self.codes = Codes()
        self._window = window
        self._read: set[str] = set()  # batches whose records are on the table
        self._shelf = Shelf()
        self._part: tuple[pa.Table, str | None, str | None] | None = (
            None  # legacy debts on the table, their first and end key
        )
        self._merged = Merged.of(evidence.claim["users"])
        self._load(evidence)

    # -- windows

    def windows(self, scope: Scope) -> Iterator[None]:
        """Put one window of debts, or of schedules, on the table after the other."""
        sides = self.evidence.snapshot[scope], self.evidence.claim[scope]
        key = "debt_id" if scope == "debts" else "listing_id"
        records, begun = self._shelf.round(), None
        with self._settled():
            for legacy, claim, bound in together(*sides, key, self._window):
                self.put(f"s_{scope}", legacy)
                self.put(f"c_{scope}", claim)
                if scope == "debts":
                    self._put_records(records.until(bound))
                    self._part = legacy, begun, bound
                    self.compare(claim)
                yield
                begun = bound
            self._part = None

    def _put_records(self, tables: dict[str, list[pa.Table]]) -> None:
        for name in ("q_debts", "a_debts"):
            self.execute(f"DELETE FROM {name}")
            if name in tables:
                self.append(name, pa.concat_tables(tables[name]))

    def begin(self) -> None:
        """Forget what was gathered."""
        self.codes = Codes()
        for name in (*OF_DEBTS, *OF_SCHEDULES):
            self.execute(f"DELETE FROM {name}")

    def compare(self, claim: pa.Table | None = None) -> None:
        """Put the rows of chunks that differ on the table; without `claim`, as it was changed on the table."""
        if self._part is None:
            return
        claim = self.table("SELECT * FROM c_debts ORDER BY debt_id") if claim is None else claim
        legacy, claimed = differing(self._part[0], claim, self._merged, final=self.evidence.final)
        self.put("s_differing", legacy)
        self.put("c_differing", claimed)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Views over whole tables are worked out once for all windows."""
        for name in SETTLED:
            self.execute(f"DROP VIEW {name}")
            self.execute(f"CREATE TABLE {name} AS {VIEWS[name]}")
        try:
            yield
        finally:
            for name in reversed(SETTLED):
                self.execute(f"DROP TABLE {name}")
            for name in SETTLED:
                self.execute(f"CREATE VIEW {name} AS {VIEWS[name]}")

    def gather(self, scope: Scope) -> None:
        """Add the window's figures to what was gathered of those before it."""
        for name, table in (OF_DEBTS if scope == "debts" else OF_SCHEDULES).items():
            self.execute(f"INSERT INTO {name} {table.sql}")
            if self.row(f"SELECT count(*) FROM {name}")[0] > FOLDED:
                self._fold(name, table)
        if scope == "debts":
            self.codes.add(self)

    def take_back(self, scope: Scope) -> None:
        """Take the window's figures out of the sums; inside `undone`, with nothing of other windows left there."""
        for name in SUMMED if scope == "debts" else ():
            self.change(f"DELETE FROM {name}")
            self.execute(f"INSERT INTO {name} SELECT key, -p, -i, -b FROM ({OF_DEBTS[name].sql})")

    def give_again(self) -> None:
        """Put the window's figures into the sums again, as they are now: what is left is what was changed."""
        for name in SUMMED:
            self.execute(f"INSERT INTO {name} {OF_DEBTS[name].sql}")

    def _fold(self, name: str, table: Gathered) -> None:
        self.execute(f"CREATE TABLE folded AS SELECT * FROM ({table.folded.format(name)})")
        self.execute(f"DELETE FROM {name}")
        self.execute(f"INSERT INTO {name} SELECT * FROM folded")
        self.execute("DROP TABLE folded")

    # -- loading

    def _load(self, evidence: Evidence) -> None:
        for name, table in evidence.snapshot.items():
            self.put(f"s_{name}", table.schema.empty_table() if name in LARGE else table)
        self.put("person", people.persons(evidence.snapshot["users"], evidence.corrections))
        self.put("issues", evidence.issues)
        self.put("signed", evidence.signed)
        for name in CLAIMED:
            self.put(f"c_{name}", evidence.claim[name])
        for name in LARGE:
            self.put(f"c_{name}", evidence.claim[name].schema.empty_table())
        for exchange, (request, result) in COLUMNS.items():
            self.execute(f"CREATE TABLE q_{exchange} ({ddl(request)})")
            self.execute(f"CREATE TABLE a_{exchange} ({ddl(result)})")
        self.execute(f"CREATE TABLE asked_debts ({ddl(COLUMNS['debts'][1])})")
        self.execute("CREATE TABLE marks (mark VARCHAR)")
        self.execute("ALTER TABLE a_accounts ADD COLUMN fine BOOLEAN")  # the number's last digit is right
        for name, gathered in {**OF_DEBTS, **OF_SCHEDULES}.items():
            self.execute(f"CREATE TABLE {name} ({gathered.columns})")
        self.put("batches", BATCHES.empty_table())
        self.put("replies", asked.REPLIES.empty_table())
        for name, sql in VIEWS.items():
            self.execute(f"CREATE VIEW {name} AS {sql}")
        self.take_files(evidence.exchanged)

    def take_files(self, exchanged: Iterable[Exchanged]) -> None:
        """Read the bytes of batches; what was read before of the same batch is replaced."""
        for batch in exchanged:
            taken = take(batch, self.reader)
            if batch.name in self._read:
                for name in ("batches", "replies", "asked_debts", *self._tables(batch)):
                    self.change(f"DELETE FROM {name} WHERE batch = $1", batch.name)
            self.insert("batches", taken.facts)
            self.insert("replies", taken.replies)
            if batch.kind == "debt":
                self._take_debts(batch, taken)
            else:
                for name, table in zip(self._tables(batch), (taken.request, taken.result), strict=False):
                    self.insert(name, table)
            self._read.add(batch.name)
        self.flush()

    @staticmethod
    def _tables(batch: Exchanged) -> tuple[str, ...]:
        exchange = EXCHANGE_OF.get(batch.kind)
        return (f"q_{exchange}", f"a_{exchange}") if exchange else ()

    def _take_debts(self, batch: Exchanged, taken: Taken) -> None:
        """Records of debts wait on the shelf for their windows; of a batch that is taken anew, the window's are replaced."""
        tables = dict(zip(self._tables(batch), (taken.request, taken.result), strict=True))
        self.insert("asked_debts", taken.asked)
        if batch.name in self._read:
            for name, table in tables.items():
                self.insert(name, self._within(table))
            return
        if taken.request is not None:
            self.insert("marks", pa.table({"mark": taken.request["mark"].unique()}))
        keys = [table["key"] for table in tables.values() if table is not None]
        self._shelf.put(batch.name, keys, lambda: self._records(batch))

    def _records(self, batch: Exchanged) -> dict[str, pa.Table]:
        taken = take(batch, self.reader)
        tables = zip(self._tables(batch), (taken.request, taken.result), strict=True)
        return {name: table for name, table in tables if table is not None}

    def _within(self, table: pa.Table | None) -> pa.Table | None:
        """The records whose keys lie in the window on the table."""
        if table is None or self._part is None:
            return table
        _, begun, bound = self._part
        if begun is not None:
            table = table.filter(pc.greater_equal(table["key"], begun))
        return table if bound is None else table.filter(pc.less(table["key"], bound))
