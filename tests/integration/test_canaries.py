"""Twenty invented persons go through a cutover in which much fails; nothing of theirs may be found in what it leaves.

`PLACES` is the table of places. Where personal data may lie (contract.md section 5) is left out by name: the exchange
folder, quarantined originals, exports, and in PostgreSQL the bytes of files and the corrections.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import tempfile
import traceback
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa

from expectations.runner import GxJudge
from migration.clock import SystemClock
from migration.journal.notary import Notary
from migration.journal.store import PostgresJournal
from migration.legacy.platform import LegacyPlatform
from migration.legacy.vault import Vault
from migration.reports import pack, passport_text, passports
from migration.reports.material import Scope
from migration.stages import gather, lives
from migration.verification import run as verification
from tests.contract.platforms import fill
from tests.support import canaries
from tests.support.rehearsal import Rehearsal

pytestmark = pytest.mark.timeout(900)

NEW_PHONE = canaries.phones()[0].replace("1397", "1367")
ALLOWED_TABLES = {"batch_content", "correction", "inquiry"}
PLACES = (
    "log",
    "screen",
    "exceptions",
    "events",
    "journal tables",
    "rule results",
    "gate pages and assessments",
    "report .html",
    "report .xlsx",
    "report .pdf",
    "report .json",
    "passports",
    "verifier",
    "evidence bundle",
    "workspace",
    "temporary folder",
    "server log",
)


class OneFails(GxJudge):
    """Great Expectations, with one rule of the debts' gate made to fail on real keys."""

    armed = False

    def judge(self, stage: str, measures: Any, keys: Any) -> Any:
        found = super().judge(stage, measures, keys)
        if stage != "debts" or not self.armed:
            return found
        worst = next(r for r in found if r.severity == "blocking")
        failed = replace(worst, outcome="failed", failures=3, keys=("L1D1", "L1D2", "L1D3"))
        return tuple(failed if r is worst else r for r in found)


class Story:
    """The run, with everything it said and left behind."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url
        self.workspace = root / "workspace"
        self.source = f"sqlite:///{root}/legacy.sqlite"
        fill(self.source, canaries.platform())
        clock = SystemClock()
        legacy = LegacyPlatform(self.source, "yuan", {}, self.workspace, Vault.open(self.workspace, {}), clock)
        self.judge = OneFails()
        spoilt = [{"match": "APPZX0110RES-000001", "how": "echo", "record": 2, "times": 1}]
        self.case = Rehearsal(
            root,
            legacy,
            journal=PostgresJournal(url, None),
            judge=self.judge,
            verified=True,
            faults={"refuse_users": {"U3": "106", "U4": "106"}, "corrupt": spoilt},
        )
        self.exceptions: list[str] = []
        self.ends: list[str] = []

    def go(self, call: Any = None) -> None:
        """One command: how it ended, and whatever was raised, as a traceback."""
        try:
            stopped = (call or self.case.run)()
            self.ends.append(self.case.codes[0] if stopped else "done")
        except Exception as raised:  # noqa: BLE001 - a defect is played, too: its traceback is what is looked at
            self.exceptions += ["".join(traceback.format_exception(raised)), *map(str, getattr(raised, "reasons", ()))]
            self.ends.append(type(raised).__name__)
        self.exceptions += map(str, self.case.reasons)

    def update(self, statement: str) -> None:
        engine = sa.create_engine(self.source)
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    def tell(self) -> None:
        """Bad cells, an approval refused, a bad result, a bad correction, a good one, a crash, a failing rule, the end."""
        case = self.case
        self.update("UPDATE debts SET principal = '100.123' WHERE debt_id = 'L1D1'")
        self.go()
        self.update("UPDATE debts SET principal = '100.01' WHERE debt_id = 'L1D1'")
        self.update("UPDATE users SET phone = phone || '9', sex = 'F' WHERE user_id = 'U20'")
        self.update("UPDATE users SET id_no = substr(id_no, 1, 17) || 'Q' WHERE user_id = 'U19'")
        self.go(lambda: case.run(approve=()))
        gate = case.journal.gates()[0]
        case.journal.decide(gate.gate, gate.digest, "second", "reject", "figures look wrong", rehearsal=False)
        self.go()
        self.go(lambda: case.correct(f"U1,phone,{canaries.phones()[5]},{NEW_PHONE},changed,operations"))
        self.go(lambda: case.correct(f"U1,name,{canaries.names()[0]},{canaries.names()[1]}\t\x00,changed,operations"))
        self.go(lambda: case.correct(f"U1,phone,{canaries.phones()[0]},{NEW_PHONE},changed,operations"))
        self.go()  # quarantined
        case.failpoint = _crash("listings.full.after_ask", canaries.names()[0])
        self.go()
        case.failpoint = lambda _: None
        self.go(self._broken_write)
        self.judge.armed = True
        self.go()
        self.judge.armed = False
        self.go()
        case.sign()
        self.go()

    def _broken_write(self) -> None:
        """The database refuses a row: what it says of it, in DETAIL, has the row's values."""
        journal: Any = self.case.journal

        def body(tx: Any) -> None:
            tx.connection.execute(
                sa.text(
                    "INSERT INTO journal.correction (cutover, seq, user_id, field, old, new, importer, at)"
                    " VALUES (:cutover, 1, 'U1', 'phone', :old, :new, 'x', now())"
                ),
                {**tx.own, "old": canaries.phones()[0], "new": canaries.id_numbers()[0]},
            )

        journal._db.write(journal._cutover, "spoilt", body, actor="x")


def _crash(point: str, secret: str) -> Any:
    """A defect: an exception without a code, in a frame whose variables hold a person's name."""

    def reach(name: str) -> None:
        person = {"name": secret}
        if name == point:
            raise RuntimeError(f"{len(person)} rows")

    return reach


@pytest.fixture(scope="module")
def watched(tmp_path_factory, embedded, template):
    """The story, told once, and every place searched."""
    root = tmp_path_factory.mktemp("canaries")
    url = embedded.clone(template, "canaries")
    logged, temporary = io.StringIO(), root / "tmp"
    temporary.mkdir()
    handler, log, level = logging.StreamHandler(logged), logging.getLogger(), logging.getLogger().level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    logging.disable(logging.NOTSET)
    for one in logging.root.manager.loggerDict.values():  # what other tests switched off would be silent here
        one.disabled = False
    log.warning("listening")
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    story = Story(root, url)
    try:
        story.tell()
        watch = _searched(story, root / "handed_out")
    finally:
        tempfile.tempdir = before
        log.removeHandler(handler)
        log.setLevel(level)
    watch.look("log", logged.getvalue())
    watch.folder("temporary folder", temporary)
    watch.look("server log", (embedded.data / "server.log").read_bytes())
    yield story, watch
    story.case.journal.close()
    embedded.drop("canaries")


def _searched(story: Story, out: Path) -> canaries.Watch:
    case, watch = story.case, canaries.Watch([*canaries.values(), NEW_PHONE])
    journal, house = case.journal, case.house
    watch.look_all("screen", case.said)
    watch.look_all("exceptions", story.exceptions)
    watch.look_all("events", (json.dumps(event.payload, ensure_ascii=False, default=str) for event in journal.events()))
    watch.look_all("rule results", (repr(result) for *_, result in journal.checks()))
    watch.look_all("gate pages and assessments", case.reports.values())
    with psycopg.connect(story.url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'journal'").fetchall()
        for (table,) in tables:
            if table not in ALLOWED_TABLES:
                rows = connection.execute(f"SELECT t::text FROM journal.{table} t").fetchall()
                watch.look_all("journal tables", (text for (text,) in rows))
    scope = Scope("directory", False, False, "stop", "signed_exception", 9999, "jx")
    material = gather.material(house, "rehearsal", scope, {})
    for language in pack.LANGUAGES:
        pack.write(material, out / "report", language)
    for path in sorted((out / "report").iterdir()):
        watch.look(f"report {path.suffix}", path.read_bytes())
    for entity, key in (("users", "U1"), ("users", "U3"), ("listings", "L1"), ("debts", "L1D1")):
        found = passports.passport(lives.life(house, entity, key))
        watch.look("passports", json.dumps(found, ensure_ascii=False))
        watch.look_all("passports", [*passport_text.lines(found, "zh"), *passport_text.lines(found, "en")])
    watch.look("verifier", json.dumps(verification.verify(gather.evidence(house)).as_json(), ensure_ascii=False))
    Notary(journal, story.workspace).export(out / "bundle")
    watch.folder("evidence bundle", out / "bundle")
    quarantine = story.workspace / "quarantine"
    originals = [f"quarantine/{path.name}" for path in quarantine.iterdir() if path.suffix != ".json"]
    assert originals
    watch.folder("workspace", story.workspace, without=originals)
    return watch


def test_everything_went_wrong_that_should_have(watched):
    story, _ = watched
    wanted = [
        "MONEY_DECIMALS",
        "APPROVAL_MISSING",
        "REJECTED",
        "InputRefused",
        "InputRefused",
        "done",
        "RESULT_QUARANTINED",
    ]
    assert story.ends[:7] == wanted, story.ends
    assert story.ends[7:9] == ["RuntimeError", "GateClosed"], story.ends
    assert story.ends[9].startswith("DBT-"), story.ends
    assert story.ends[-1] == "done", story.case.reasons
    assert story.case.balance()["difference_fen"] == 0


@pytest.mark.parametrize("place", PLACES)
def test_no_canary_is_found(watched, place):
    _, watch = watched
    assert watch.looked.get(place, 0) > 0 or place == "temporary folder", "nothing was looked at"
    assert watch.seen.get(place, set()) == set()


def test_every_place_is_in_the_table(watched):
    _, watch = watched
    assert set(watch.looked) - {"report ", "report .sha256", "report .txt"} <= set(PLACES)


def test_where_they_may_lie_they_are_found(watched):
    """The search works: the exchange folder and the journal's file bytes hold them."""
    story, _ = watched
    watch = canaries.Watch()
    watch.folder("exchange", story.root / "bank")
    with psycopg.connect(story.url.replace("+psycopg", "")) as connection:
        for (content,) in connection.execute("SELECT content FROM journal.batch_content").fetchall():
            watch.look("file bytes", content)
    assert {*canaries.names()[:18], *canaries.id_numbers()[1:18]} <= watch.seen["exchange"]
    assert canaries.names()[1] in watch.seen["file bytes"]


@pytest.mark.parametrize(
    "value", [canaries.names()[0], canaries.id_numbers()[0], canaries.phones()[0], canaries.cards()[0]]
)
def test_a_canary_is_heard_in_every_form(value, tmp_path):
    packed, tree = io.BytesIO(), "x" * 7
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", f"<t>{value}</t>")
    written = [
        f"{tree}{value}",
        f"{tree}{value}".encode("gbk"),
        f"{tree}{value}".encode("utf-16"),
        json.dumps({"a": value}),
        json.dumps(json.dumps({"a": value})),
        *(base64.b64encode(b"x" * offset + value.encode() + b"tail") for offset in range(3)),
        base64.b64encode(value.encode("gbk")),
        value.encode().hex(),
        repr(value.encode("gbk") + b"\xff")[2:-1],
        quote(value),
        "".join(f"&#{ord(one)};" for one in value) if not value.isascii() else value,
        packed.getvalue(),
        b"%PDF-1.7\nstream\n" + zlib.compress(value.encode()) + b"\nendstream",
        zlib.compress(value.encode(), wbits=31),
    ]
    for number, content in enumerate(written):
        watch = canaries.Watch([value])
        raw = content if isinstance(content, bytes) else content.encode()
        if raw.startswith(b"%PDF"):
            assert any(value.encode() in piece for piece in list(canaries._pdf_streams(raw)))
            continue
        watch.look("somewhere", raw)
        assert watch.seen == {"somewhere": {value}}, number
