"""Collects from the ports what the rooms that know no ports are given: the verifier's evidence, the report's material."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

import pyarrow as pa

from expectations import all_rules
from migration.domain.columns import equals
from migration.domain.outcome import balance, outcome
from migration.domain.ports import Journal
from migration.domain.tables import ENTITY_OF, SNAPSHOT
from migration.domain.values import Batch
from migration.reports.material import Material, Scope, Withdrawn
from migration.stages import drill, progress, sample_notes
from migration.stages.house import House
from migration.verification.run import Evidence, Exchanged, verify

PACKAGES = ("cutover", "great-expectations", "apache-airflow", "pyarrow", "duckdb", "numpy", "sqlalchemy", "psycopg")


def evidence(house: House) -> Evidence:
    """Both sides as they are stored, and the outcome that the product claims now.

    The snapshot goes in as it was read, without corrections; file bytes are read from the journal when they are wanted.
    """
    journal, terms = house.journal, house.terms
    book = house.book()
    known = journal.exceptions()
    batches = journal.batches()
    return Evidence(
        profile=terms.profile,
        business_date=terms.business_date,
        overdue_policy=terms.overdue,
        account_pattern=terms.account_pattern,
        snapshot={entity: house.table(entity) for entity in SNAPSHOT},
        corrections=journal.corrections(),
        issues=house.table("issues"),
        signed=known.filter(pa.array(equals(known["state"], "signed"))).select(["entity", "key", "code"]),
        exchanged=tuple(_exchanged(journal, batch) for batch in batches),
        claim=outcome(book, batches),
        balance=balance(book).as_json(),
        final=progress.done(house, "residual"),
        carry_authorisations=terms.carry_authorisations,
    )


def _exchanged(journal: Journal, batch: Batch) -> Exchanged:
    return Exchanged(
        business_date=batch.business_date,
        batch_no=batch.batch_no,
        stage=batch.stage,
        round=batch.round,
        kind=batch.kind,
        sample=batch.sample,
        part=batch.part,
        rows=batch.rows,
        sum_fen=batch.sum_fen,
        state=batch.state,
        request_name=batch.request_name,
        request_sha256=batch.request_sha256,
        result_name=batch.result_name,
        result_sha256=batch.result_sha256,
        request=_reader(journal.request, batch),
        result=_reader(journal.result, batch),
        inquiries=lambda: journal.inquiries(batch),
    )


def _reader(read: Callable[[Batch], bytes], batch: Batch) -> Callable[[], bytes]:
    return lambda: read(batch)


def material(
    house: House, kind: str, scope: Scope, manifests: Mapping[str, str], withdrawn: Withdrawn | None = None
) -> Material:
    """Everything a report shows; the verifier is asked anew. `manifests`: name of a file -> SHA-256 of its manifest."""
    journal, terms = house.journal, house.terms
    book = house.book()
    batches = journal.batches()
    events = journal.events()
    return Material(
        cutover_id=terms.cutover_id,
        kind=kind,
        business_date=terms.business_date,
        made_at=house.clock.now(),
        scope=scope,
        snapshot=house.snapshot(),
        legacy={entity: house.table(entity) for entity in SNAPSHOT},
        claim=outcome(book, batches),
        balance=balance(book).as_json(),
        groups=book.users.groups,
        exceptions=journal.exceptions(),
        corrections=journal.corrections(),
        stages=journal.stages(),
        gates=journal.gates(),
        checks=journal.checks(),
        batches=batches,
        items={entity: journal.items(entity) for entity in dict.fromkeys(ENTITY_OF.values())},
        manifests=manifests,
        samples=tuple(event for event in events if event.kind == sample_notes.EVENT),
        chain={
            "events": len(events),
            "head": events[-1].digest if events else "",
            "breaks": len(journal.verify()),
        },
        verification=verify(evidence(house)).as_json(),
        versions=_versions(house),
        done=progress.done(house, "reconcile"),
        relations={rule.id: rule.relation for rule in all_rules()},
        drill=drill.latest(journal),
        withdrawn=withdrawn,
    )


def _versions(house: House) -> Mapping[str, str]:
    terms = house.terms
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {**found, "code": terms.code_digest, "configuration": terms.config_digest}
