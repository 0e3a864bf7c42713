"""A whole cutover over SFTP, with the bank as a process of its own, ends as the same one through a shared folder does."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from migration.bank.sftp_files import SftpFiles
from migration.bank.sftp_link import Address
from migration.domain.errors import TransientError
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


def carried_out(case: Rehearsal) -> Rehearsal:
    """The night: refusals mended by sending again, the sample drawn again, two rounds."""
    for _ in range(6):
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
