"""Wiring of the withdrawal service's questions to the bank: which balances stand behind `Custody`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from migration.bank.profiles import Surroundings, open_bank
from migration.clock import SystemClock
from migration.domain.ports import Balances
from migration.domain.windows import BEIJING
from migration.journal.store import PostgresJournal
from migration.settings import Settings
from migration.wiring import store_url
from migration.withdrawals.custody import WAIT_S, BankCustody, Custody, NoChannel


@contextmanager
def custody(found: Settings) -> Iterator[Custody]:
    """The bank's word on balances in custody. ConfigurationError(QUERY_KEY) when a key of the query channel cannot be read."""
    if not found.bank.query_url:
        yield NoChannel()
        return
    asked = BankCustody(lambda day: _balances(found, day), lambda: bank_day(found))
    try:
        asked.begin()
        yield asked
    finally:
        asked.close()


@contextmanager
def _balances(found: Settings, day: date) -> Iterator[Balances]:
    """The channel for a day. Somebody waits in front of a page: one try, and a short one."""
    timeout = min(found.bank.query_timeout_s, int(WAIT_S))
    bank = found.bank.model_copy(update={"query_timeout_s": timeout, "query_tries": 1})
    journal = PostgresJournal(store_url(found))
    try:
        adapter = open_bank(bank, Surroundings(SystemClock(), day, journal.message_numbers))
        try:
            yield adapter.balances
        finally:
            adapter.close()
    finally:
        journal.close()


def bank_day(found: Settings) -> date:
    """Which day it is at the bank: the configured one in a rehearsal, Beijing's in production (docs/adr/0016)."""
    if found.cutover.kind == "production":
        return SystemClock().now().astimezone(BEIJING).date()
    return found.cutover.business_date
