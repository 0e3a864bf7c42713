"""The way to PostgreSQL: one transaction a verb, tried again where that is safe, errors by what the caller must do.

Every write locks the cutover's row first, so writes are in one order and the chain of events has no forks. A write
carries an operation id into its event: when the connection is lost during COMMIT, the next try looks for it and knows
whether the first one happened (reliability.md, "connection lost during COMMIT").
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import psycopg
import tenacity
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError

from migration.domain.errors import ConfigurationError
from migration.journal import chain, faults, rules, witness
from migration.journal.migrate import migrate
from migration.journal.sqlfiles import query

if TYPE_CHECKING:
    from datetime import date, datetime

    from migration.domain.ports import Clock

T = TypeVar("T")
Payload = Mapping[str, object]

ATTEMPTS: Final = 7
SESSION: Final = (
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    # a run that was stopped in mid-transaction must not hold up the one that takes over
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '90s'",
    "SET work_mem = '64MB'",
)


@dataclass(frozen=True, slots=True)
class Tx:
    """A write under way, holding the cutover's row."""

    connection: Connection
    cutover: int
    holder: str
    kind: str  # of the cutover
    at: datetime
    touched: dict[str, dict[str, object]] = field(default_factory=dict)  # groups of rows written, see `witness`

    @property
    def own(self) -> dict[str, object]:
        """The parameter every query takes."""
        return {"cutover": self.cutover}

    def touch(self, *groups: str) -> None:
        """Say that rows of these groups (a table, `disposition/<entity>`, `day/<date>`) were written: the event tells them."""
        for group in groups:
            self.touched[group] = {**self.own, "entity": group.partition("/")[2]}

    def touch_batch(self, no: int, day: date, number: str, *tables: str) -> None:
        """The same for a batch's own row (`batch`) or its items (`item`)."""
        for table in tables:
            group, values = witness.batch_group(table, no, day, number)
            self.touched[group] = values


class Database:
    """Transactions on the store. `url`: any SQLAlchemy URL of a PostgreSQL."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._engine = _engine(url)
        self._pid = os.getpid()
        self._retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=0.05, max=2),
            retry=tenacity.retry_if_exception_type(faults.Passing),
            sleep=clock.sleep,
            reraise=True,
        )

    def prepare(self) -> int:
        """Bring the schema up to date; returns how many steps were applied."""
        return self._again(lambda _: self._within(migrate, read_only=False))

    def assign_rights(self) -> tuple[str, ...]:
        """Make missing roles of least privilege and give all their rights; returns the roles that could not be made."""
        body = query("assign_rights")
        return tuple(self._again(lambda _: self._within(lambda c: c.execute(body).scalar_one(), read_only=False)))

    def read(self, body: Callable[[Connection], T]) -> T:
        """Run a body of queries on one consistent view."""
        return self._again(lambda _: self._within(body, read_only=True))

    def begin(self, cutover_id: str, kind: str) -> int:
        """Return the cutover's number; its row and first event are written when missing."""
        rules.check_new(cutover_id, kind)
        operation = uuid.uuid4()

        def body(connection: Connection) -> int:
            at = self._clock.now()
            connection.execute(query("insert_cutover"), {"id": cutover_id, "kind": kind, "at": at})
            row = connection.execute(query("cutover_by_id"), {"id": cutover_id}).one()
            rules.check_kind(cutover_id, kind, row.kind)
            if row.head_seq == 0:
                tx = Tx(connection, row.no, "", kind, at)
                _append(tx, row.head_seq, row.head_digest, "", "begun", {"id": cutover_id, "kind": kind}, operation)
            return int(row.no)

        found = self.read(lambda c: c.execute(query("cutover_known"), {"id": cutover_id}).one_or_none())
        if found is not None:
            rules.check_kind(cutover_id, kind, found.kind)
            return int(found.no)
        return self._again(lambda _: self._within(body, read_only=False))

    def write(
        self,
        cutover: int,
        kind: str,
        body: Callable[[Tx], Payload | None],
        *,
        fence: int | None = None,
        actor: str | None = None,
    ) -> Payload | None:
        """One write verb: lock, compare the fence, run the body, append its payload as an event, commit.

        A body that returns None changed nothing and leaves no event. The actor of a fenced verb is who holds the fence.
        """
        operation = uuid.uuid4()

        def attempt(number: int) -> Payload | None:
            def within(connection: Connection) -> Payload | None:
                row = connection.execute(query("lock_cutover"), {"cutover": cutover}).one()
                if number > 1:
                    sent = {"cutover": cutover, "operation": operation}
                    done = connection.execute(query("event_by_operation"), sent).scalar_one_or_none()
                    if done is not None:
                        written: Payload = json.loads(done)
                        return written
                if fence is not None:
                    rules.check_fence(fence, row.fence)
                tx = Tx(connection, cutover, row.holder, row.kind, self._clock.now())
                payload = body(tx)
                if payload is None:
                    return None
                who = row.holder if actor is None else actor
                return _append(tx, row.head_seq, row.head_digest, who, kind, _witnessed(tx, payload), operation)

            return self._within(within, read_only=False)

        return self._again(attempt)

    def compact(self, tables: Iterable[str]) -> None:
        """Write tables anew, so that the blocks that held removed rows are given back; their owner's right is needed."""

        def body(_: int) -> None:
            try:
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    for table in tables:
                        connection.exec_driver_sql(f"VACUUM FULL journal.{table}")
            except DBAPIError as error:
                raise faults.translate(error.orig) from None

        self._again(body)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _again(self, body: Callable[[int], T]) -> T:
        try:
            for attempt in self._retrying:
                with attempt:
                    return body(attempt.retry_state.attempt_number)
        except faults.Passing as passing:
            raise passing.lasting from None
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _within(self, body: Callable[[Connection], T], *, read_only: bool) -> T:
        """One transaction, committed at its end; database errors translated, without the values they carry."""
        if self._pid != os.getpid():  # after a fork: the parent's connections are not ours
            self._engine.dispose(close=False)
            self._pid = os.getpid()
        try:
            with self._engine.connect() as connection:
                if read_only:
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")  # noqa: PLW2901
                try:
                    with connection.begin():
                        result = body(connection)
                except (DBAPIError, psycopg.Error) as error:
                    if faults.is_lost(error) and not connection.invalidated:
                        connection.invalidate()
                    raise
                return result
        except DBAPIError as error:
            raise faults.translate(error.orig) from None
        except psycopg.Error as error:
            raise faults.translate(error) from None
        except InvalidRequestError:  # the pool saw the connection die under the transaction
            raise faults.passing() from None


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError.of("STORE_URL", "store.url", "is no SQLAlchemy URL") from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationError.of("STORE_URL", "store.url", "must name a PostgreSQL", "postgresql+psycopg://...")
    # hide_parameters: no personal data in exceptions (R8)
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=4,
        connect_args={"connect_timeout": 10},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: psycopg.Connection[tuple[object, ...]], _: object) -> None:
        connection.autocommit = True
        for statement in SESSION:
            connection.execute(statement)
        connection.autocommit = False

    return engine


def _witnessed(tx: Tx, payload: Payload) -> Payload:
    """Return the payload with the digests of the rows that were written."""
    return {**payload, "witness": witness.digests(tx.connection, tx.touched)} if tx.touched else payload


def _append(
    tx: Tx, head_seq: int, head_digest: str, actor: str, kind: str, payload: Payload, operation: uuid.UUID
) -> Payload:
    """Write the next event and move the chain's head; returns the payload as it will be read back."""
    content = chain.canonical(payload)
    link = chain.link(head_digest, head_seq + 1, tx.at, actor, kind, content)
    row = {
        "seq": link.seq,
        "at": link.at,
        "actor": actor,
        "kind": kind,
        "payload": content,
        "previous": head_digest,
        "digest": link.digest,
        "operation": operation,
    }
    tx.connection.execute(query("insert_event"), {**tx.own, **row})
    tx.connection.execute(query("move_head"), {**tx.own, "seq": link.seq, "digest": link.digest})
    return link.payload
