"""A store that only reads, as a replica does: a run begins by writing its fencing token, so it begins nothing there."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import make_url

from migration.domain.errors import CutoverError
from migration.journal.store import PostgresJournal


def test_a_run_cannot_begin_on_a_replica(pg_url):
    parsed = make_url(pg_url)
    first = PostgresJournal(pg_url)
    first.begin("2017-11-jx", "rehearsal")
    before = first.head()
    first.close()
    with psycopg.connect(host=parsed.query["host"], user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {parsed.database} SET default_transaction_read_only = on")
    replica = PostgresJournal(pg_url)
    replica.begin("2017-11-jx", "rehearsal")  # it is there already: nothing to write
    with pytest.raises(CutoverError) as stopped:
        replica.acquire("runner")
    assert stopped.value.reasons[0].code == "JOURNAL_FAULT"
    assert replica.head() == before
    replica.close()
