"""A whole cutover over SFTP, with the bank as a process of its own, ends as the same one through a shared folder does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from migration.bank.asking import JxInquiries
from migration.bank.profile import JxProfile
from migration.bank.sftp_files import SftpFiles
from migration.bank.sftp_link import Address
from migration.domain.errors import TransientError
from tests.support.asking import client
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal
from tests.support.sftp import QUICK, Line

FAULTS = {
    "already_open": ["U4"],
    "refuse_listings": {"L2": {"code": "25", "times": 1}},
    "refuse_debts": {"L3D2": {"code": "99", "times": 1}},
}
WAY = [("listings", "L2"), ("debts", "L3D2"), ("debts", "L2D1"), ("debts", "L2D2"), ("debts", "L2D3")]


def at_the_other_process(case: Rehearsal) -> None:
    """Waiting takes a little real time, for the bank has a clock of its own."""
    case.clock.bank = None
    stand = case.clock.sleep

    def sleep(seconds: float) -> None:
        stand(seconds)
        time.sleep(0.02)

    case.clock.sleep = sleep  # type: ignore[method-assign]


@pytest.fixture
def served(tmp_path):
    """The cutover of the small platform, its files going over SFTP to a bank that is a process of its own."""
    case = Rehearsal(tmp_path / "sftp", small(), faults=FAULTS)
    case.bank.close()
    argv = [sys.executable, "-m", "migration.sandbox.bank", "--directory", case.root / "bank", "--poll", "0.02"]
    argv += ["--state", case.root / "state", "--faults", case.plan, "--sftp", "0"]
    process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE, text=True)
    facts = dict(re.findall(r'(port|known_host_key|key_file) = "?([^",\n]+)', process.stdout.readline()))
    line = Line(int(facts["port"]))
    address = Address("127.0.0.1", line.port, "platform", Path(facts["key_file"]), facts["known_host_key"])
    case.files = SftpFiles(address, case.root / "workspace", case.clock, QUICK)
    at_the_other_process(case)
    yield case, line
    case.files.close()
    line.close()
    process.terminate()
    process.wait(30)
    process.stdout.close()


def carried_out(case: Rehearsal, nights: int = 6) -> Rehearsal:
    """The night: refusals mended by sending again, the sample drawn again, two rounds."""
    for _ in range(nights):
        try:
            code = case.run()
        except TransientError:
            continue
        if code == 0:
            return case
        case.resend(*WAY)
    raise AssertionError(case.reasons)


def test_the_same_exports_and_the_same_files(served, tmp_path):
    case, _ = served
    plain = carried_out(Rehearsal(tmp_path / "directory", small(), faults=FAULTS))
    over = carried_out(case)
    assert {name: table.to_pylist() for name, table in over.exports().items()} == {
        name: table.to_pylist() for name, table in plain.exports().items()
    }
    assert over.balance() == plain.balance()
    assert over.sent() == plain.sent()
    assert [p.name for p in (over.root / "bank/out").rglob(".*")] == []
    assert plain.where("users")["U4"] == ("opened", "OPENED_N")


def test_with_a_line_that_drops_all_the_time(served, tmp_path):
    case, line = served
    plain = carried_out(Rehearsal(tmp_path / "directory", small(), faults=FAULTS))
    line.cut(6_500, lives=1_000_000)
    over = carried_out(case)
    assert line.calls > 3
    assert over.exports() == plain.exports()
    assert over.sent() == plain.sent()


ASKED = {**FAULTS, "hold": [{"match": "BIDIN-|BID-0", "until_released": True}]}
"""Results of listings and debts never come: what became of them is only to be had by asking."""


@pytest.fixture
def asked_too(tmp_path):
    """The same over SFTP and the query channel, by the command that an engineer starts the bank with."""
    case = Rehearsal(tmp_path / "both", small(), faults=ASKED, result_timeout_s=4.0)
    case.bank.close()
    place = {"CUTOVER__BANK__DIRECTORY": str(case.root / "bank"), "PYTHONUNBUFFERED": "1"}
    argv = [str(Path(sys.executable).with_name("cutover")), "--config", "sample_data/cutover.toml"]
    argv += ["sandbox", "bank", "--faults", str(case.plan), "--sftp", "0", "--port", "0"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=os.environ | place)
    found = said(process)
    known = Path(found["key_file"])
    address = Address("127.0.0.1", int(found["port"]), "platform", known, found["known_host_key"])
    case.files = SftpFiles(address, case.root / "workspace", case.clock, QUICK)
    at_the_other_process(case)
    asking = client(found["questions"], Path(found["keys"]), case.clock)
    case.inquiries = JxInquiries(JxProfile("0110", "000187", "MP"), asking)
    yield case
    case.files.close()
    asking.close()
    process.terminate()
    process.wait(30)
    process.stdout.close()


def said(process: subprocess.Popen[str]) -> dict[str, str]:
    """What the bank says of itself until it is open."""
    found: dict[str, str] = {}
    for line in process.stdout or ():
        found |= dict(re.findall(r'(port|known_host_key|key_file) = "?([^",\n]+)', line))
        found |= dict(re.findall(r"(questions|keys): ([^,\n]+)", line))
        if line.endswith("open\n"):
            return found
    raise AssertionError(found)


def test_over_sftp_and_questions_the_same_exports(asked_too, tmp_path):
    """All but the result's name and digest, which say how an outcome became known."""
    plain = carried_out(Rehearsal(tmp_path / "directory", small(), faults=FAULTS))
    over = carried_out(asked_too, nights=40)
    want, got = ({n: t.to_pylist() for n, t in one.exports().items()} for one in (plain, over))
    how = [(row.pop("result_name"), row.pop("result_sha256")) for table in (want, got) for row in table["batches"]]
    assert got == want
    assert any(name.startswith("inquiry-") for name, _ in how), "something was asked"
    assert over.balance() == plain.balance()
    assert over.sent() == plain.sent(), "and nothing else was ever sent"
