"""A second bank comes with a package of its own: registered, run to the end, and no file of ours changes for it."""

from __future__ import annotations

import ast
import json
import re
from datetime import date
from pathlib import Path

import pytest

import migration
from migration import wiring
from migration.bank.profiles import Surroundings, open_bank
from migration.clock import FakeClock
from migration.domain.errors import ConfigurationError
from migration.sections import Bank as Settings
from migration.stages import gather
from migration.verification.run import verify
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal
from tests.tiny_bank.desk import TinyDesk

HERE = Path(migration.__file__).parent
PACKAGE = """\
[cutover.banks]
{name} = tests.tiny_bank.profile:open_bank

[cutover.readers]
{reader} = tests.tiny_bank.reader:TinyReader
"""


def settings(profile):
    own = dict.fromkeys(("fee_account", "red_packet_account", "master_account"), "6217000000000000001")
    return Settings(
        profile=profile, product="0110", institution="000187", issuer="MP", directory=Path("exchange"), **own
    )


def around():
    return Surroundings(FakeClock(), date(2017, 11, 18), lambda: range(0))


def installed(folder, name, reader):
    """What `pip install` leaves of a package that brings a bank."""
    info = folder / "tiny_bank-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-bank\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(PACKAGE.format(name=name, reader=reader))


@pytest.fixture
def tiny(tmp_path_factory, monkeypatch):
    """The second bank is installed; what is open of it."""
    folder = tmp_path_factory.mktemp("site")
    installed(folder, "tiny", "tiny")
    monkeypatch.syspath_prepend(folder)
    return open_bank(settings("tiny"), around())


def case_of(root, tiny, *, declines=()):
    changes = {"profile": "tiny", "account_pattern": tiny.bank.account_pattern}
    case = Rehearsal(root, small(), bank=tiny.bank, verified=True, measured=True, **changes)
    case.clock.bank = TinyDesk(root / "bank", case.clock, declines)
    return case


def test_a_whole_cutover_through_the_second_bank(tmp_path, tiny):
    case = case_of(tmp_path, tiny)
    assert case.run() == 0, case.reasons
    assert case.balance()["difference_fen"] == 0
    assert set(case.where("debts").values()) == {("registered", "REGISTERED")}
    debts = case.exports()["debts"].to_pylist()
    assert case.clock.bank.booked == {row["debt_id"]: row["principal_fen"] for row in debts}
    assert len(debts) == 9
    found = verify(gather.evidence(case.house))
    planted = {plant.name for plant in found.plants if plant.planted}
    assert planted >= {"file_digit_moved", "name_padded", "end_shifted"}  # the reader spoils this bank's own lines
    assert (found.differences, found.planted_unseen) == (0, 0)


def test_every_owner_is_told_to_activate(tmp_path, tiny):
    """Accounts come back as not activated: so stands it in the outcome, and everybody has his notice."""
    case = case_of(tmp_path, tiny)
    assert case.run("accounts") == 0, case.reasons
    users = case.exports()["users"].to_pylist()
    assert {(row["disposition"], row["activated"]) for row in users} == {("opened", False)}
    told = {row["user_id"] for row in case.exports()["notices"].to_pylist() if row["kind"] == "bind_card"}
    assert told == {row["user_id"] for row in users}


def test_a_declined_debt_waits_for_a_signature_and_the_rest_is_right(tmp_path, tiny):
    case = case_of(tmp_path, tiny, declines=("L3D2",))
    assert case.run() != 0
    case.sign(("debts", "L3D2"))
    assert case.run() == 0, case.reasons
    assert case.where("debts")["L3D2"][0] == "excepted"
    assert "L3D2" not in case.clock.bank.booked
    assert case.balance()["difference_fen"] == 0


def test_an_answer_that_is_not_the_echo_applies_nothing(tmp_path, tiny):
    case = case_of(tmp_path, tiny)
    desk, plain = case.clock.bank, TinyDesk._answer

    def other(asked):
        told = plain(desk, asked)
        return told | {"asked": asked | {"phone": "13800000000"}} if asked["key"] == "U2" else told

    desk._answer = other
    assert case.run("accounts") == 3
    assert "RESULT_ECHO" in case.codes
    assert {case.where("users")[f"U{n}"] for n in range(1, 5)} == {
        ("pending", None)
    }  # companies have a file of their own


def test_the_verifier_sees_what_the_movers_got_wrong(tmp_path, tiny, monkeypatch):
    """A fen is lost in what is sent: the bank echoes and books what it was sent, only the reader can tell."""
    plain = type(tiny.bank).encode

    def short(self, kind, rows, batch_no, business_date):
        lines = [json.loads(line) for line in plain(self, kind, rows, batch_no, business_date).splitlines()]
        wrong = [line | {"amount_fen": line["amount_fen"] - (line["key"] == "L2D1")} for line in lines]
        return b"".join(json.dumps(line).encode() + b"\n" for line in wrong)

    monkeypatch.setattr(type(tiny.bank), "encode", short)
    case = case_of(tmp_path, tiny)
    assert case.run() == 3
    assert any("verification" in reason.subject for reason in case.reasons), case.reasons


def test_nothing_is_begun_without_an_independent_reader(tmp_path, monkeypatch):
    installed(tmp_path, "half", "other")
    monkeypatch.syspath_prepend(tmp_path)
    assert open_bank(settings("half"), around()).bank is not None
    with pytest.raises(ConfigurationError, match="0 readers"):
        wiring.readable("half")


def test_both_halves_installed_are_enough(tiny):
    wiring.readable("tiny")
    assert tiny.bank is not None


def test_a_bank_that_is_not_installed_is_named_with_those_that_are(tiny):
    assert tiny.inquiries is None
    with pytest.raises(ConfigurationError, match="one of jx, tiny"):
        open_bank(settings("other"), around())
    with pytest.raises(ConfigurationError, match="no daily files"):
        tiny.daily.names(date(2017, 11, 19))


def test_approvals_are_bound_to_the_source_of_an_added_bank(tmp_path, monkeypatch):
    (tmp_path / "added_bank.py").write_text("FEE = 1\n")
    info = tmp_path / "added-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cutover.banks]\nadded = added_bank:open_bank\n")
    monkeypatch.syspath_prepend(tmp_path)
    fresh = wiring.code_digest.__wrapped__
    first = fresh("added")
    assert first != fresh("jx")
    (tmp_path / "added_bank.py").write_text("FEE = 2\n")
    assert fresh("added") != first


# --- the boundary

OURS = re.compile(
    r"Jx[A-Z]|APPZX|APPID|BIDIN|BIDNBR|BIDRESP|SIGTRAN|SIGRES|SERI-NO|SERI_NO|FUISSUER|JX9\d{5}|\b3005\b|621246|^jx$"
)
"""Class names, record types, field names, reply codes and numbers of the first profile, and its name."""
ROOMS = ("bank", "sandbox", "demo")
READER = ("jx.py", "layouts.py", "records.py")
NAMED = {("sections.py", "jx"), ("verification/readers.py", "jx"), ("verification/readers.py", "JxReader")}
"""The configuration's default, and where the verifier finds its own reader."""


def words(tree):
    """Names and text constants of a module, without its docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name


def test_no_word_of_the_first_bank_outside_its_rooms():
    found = set()
    root = HERE.parent
    for path in [*HERE.rglob("*.py"), *(root / "dags").rglob("*.py"), *(root / "expectations").rglob("*.py")]:
        here = path.relative_to(HERE) if path.is_relative_to(HERE) else path.relative_to(root)
        if here.parts[0] in ROOMS or (here.parts[0] == "verification" and here.name in READER):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {(here.as_posix(), word) for word in words(tree) if OURS.search(word)}
    for path in HERE.rglob("*.sql"):
        text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        found |= {(path.name, word[0]) for word in OURS.finditer(text)}
    assert found == NAMED


def test_only_the_first_banks_reader_knows_where_its_fields_lie():
    users = {
        path.name
        for path in (HERE / "verification").rglob("*.py")
        if re.search(r"verification\.layouts|import .*\blayouts\b", path.read_text(encoding="utf-8"))
    }
    assert users == {"jx.py", "records.py"}
