"""The bank as a program: files, idempotence, crashes, the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from migration.sandbox.bank import BankBusy, PlanError, Profile, SandboxBank, dump, exchange, run
from migration.sandbox.bank.__main__ import main
from migration.sandbox.bank.server import _COUNTERS
from tests.unit.sandbox.bankfiles import DAY, FOLDER, account, debt, listing, person_id

REQUEST = "3005-APPZX0110-000001-" + DAY


def two(first: str = "U1", second: str = "U2") -> list[bytes]:
    return [account(first, person_id(1)), account(second, person_id(2), phone="13800000002")]


def incidents(town) -> list[str]:
    return [row["reason"] for row in dump(town.state)["incidents"]]


def test_tick_counts_new_requests_once(town):
    town.put("000001", *two())
    assert [town.bank.tick(), town.bank.tick()] == [1, 0]


@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_answers_end_their_lines_as_the_request_did(town, eol):
    result = town.put("000001", *two(), eol=eol)
    town.bank.tick()
    content = result.read_bytes()
    assert len(content) == 2 * (364 + len(eol))
    assert content.count(eol) == 2
    assert content.count(b"\r") == (2 if eol == b"\r\n" else 0)


def test_a_missing_answer_is_written_again_identically(town):
    result = town.put("000001", *two())
    town.bank.tick()
    first = result.read_bytes()
    result.unlink()
    assert town.bank.tick() == 0
    assert result.read_bytes() == first
    town.restart()
    result.unlink()
    town.bank.tick()
    assert result.read_bytes() == first
    assert [row["count"] for row in dump(town.state)["effects"]] == [1, 1]


def test_the_same_request_delivered_again_has_no_second_effect(town):
    result = town.put("000001", *two())
    town.bank.tick()
    first = result.read_bytes()
    town.place("out", FOLDER, REQUEST).unlink()
    town.bank.tick()
    result.unlink()
    town.put("000001", *two())
    assert town.bank.tick() == 0
    assert result.read_bytes() == first
    assert [row["count"] for row in dump(town.state)["effects"]] == [1, 1]


def test_other_content_under_a_known_name_is_an_incident(town):
    result = town.put("000001", *two())
    town.bank.tick()
    result.unlink()
    town.put("000001", *two("U1", "U9"))
    assert town.bank.tick() == 0
    town.bank.tick()
    assert not result.exists()
    assert incidents(town) == ["other content under the name of a request worked through before"]
    assert [row["app_id"] for row in dump(town.state)["accounts"]] == ["U1", "U2"]
    town.put("000001", *two())  # the right content stands there again
    town.bank.tick()
    assert result.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:-7],
        lambda content: content + b"\n",
        lambda content: content.replace(b"\n", b"\r"),
        lambda content: content[:433] + b"\r\n" + content[434:],
        lambda content: content[:432] + b"\n" + content[432:433] + content[434:],
        lambda content: content[:100] + b"\0" + content[101:],
        lambda content: content[:100] + b"\n" + content[101:],
        lambda content: b"\xef\xbb\xbf" + content,
    ],
)
def test_a_malformed_request_is_refused_as_a_whole(town, spoil):
    result = town.put("000001", *two())
    path = town.place("out", FOLDER, REQUEST)
    path.write_bytes(spoil(path.read_bytes()))
    assert town.bank.tick() == 0
    assert not result.exists()
    assert len(incidents(town)) == 1
    assert dump(town.state)["accounts"] == []
    town.put("000001", *two())  # mended under the same name
    assert town.bank.tick() == 1
    assert result.exists()


@pytest.mark.parametrize(
    "name",
    [
        "3005-APPZX0110-000001-20171119",  # another day's folder
        "3005-APPZX0110-000001-20171140",
        "3006-APPZX0110-000001-" + DAY,
        "3005-BID-1-" + DAY,
        "3005-APPZX0110RES-000001-" + DAY,
        "readme.txt",
    ],
)
def test_names_that_are_no_request(town, name):
    town.place("out", FOLDER, name).write_bytes(two()[0] + b"\n")
    assert town.bank.tick() == 0
    assert len(incidents(town)) == 1
    assert not list((town.directory / "in").rglob("*-*")) if (town.directory / "in").exists() else True


def test_files_still_being_written_and_links_are_left_alone(town):
    town.place("out", FOLDER, f".{REQUEST}.part").write_bytes(two()[0] + b"\n")
    elsewhere = town.root / "elsewhere"
    elsewhere.write_bytes(two()[0] + b"\n")
    town.place("out", FOLDER, REQUEST).symlink_to(elsewhere)
    assert town.bank.tick() == 0
    assert incidents(town) == ["not a regular file"]


def test_row_limit_and_product(town):
    town.options["profile"] = Profile(rows_per_file=1, product="0110")
    town.put("000001", *two())
    assert town.bank.tick() == 0
    assert incidents(town) == ["2 records, 1 are allowed"]
    town.place("out", FOLDER, "3005-APPZX0111-000002-" + DAY).write_bytes(two()[0] + b"\n")
    assert town.bank.tick() == 0
    assert incidents(town)[1:] == ["another product"]


def test_requests_of_later_days_wait_for_a_frozen_date(town):
    town.options["business_date"] = "2017-11-17"
    result = town.put("000001", *two())
    assert town.bank.tick() == 0
    assert not result.exists()
    town.restart()
    town.options["business_date"] = "2017-11-18"
    assert town.bank.tick() == 1
    assert result.exists()


def test_batches_are_worked_through_in_their_order(town):
    town.open_customers(2)
    holder = dump(town.state)["accounts"][0]["account_no"]
    answer = town.put("000003", debt("D1", holder, "L1"))  # by name before BIDIN
    town.put("000002", listing("L1", holder))
    town.bank.tick()
    assert answer.read_bytes()[160:162] == b"00"


def test_killed_between_the_books_and_the_answer(town, monkeypatch):
    result = town.put("000001", *two())

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(exchange, "write", die)
        with pytest.raises(KeyboardInterrupt):
            town.bank.tick()
    assert not result.exists()
    assert len(dump(town.state)["accounts"]) == 2
    town.restart()
    assert town.bank.tick() == 0
    assert result.read_bytes().count(b"\n") == 2
    assert [row["count"] for row in dump(town.state)["effects"]] == [1, 1]


def test_killed_before_the_books_are_committed(town, monkeypatch):
    result = town.put("000001", *two())
    right = _COUNTERS["accounts"]

    def die_at_the_second(desk, record, row):
        if record == 2:
            raise KeyboardInterrupt
        return right(desk, record, row)

    with monkeypatch.context() as broken:
        broken.setitem(_COUNTERS, "accounts", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            town.bank.tick()
    books = dump(town.state)
    assert (books["accounts"], books["files"], books["effects"]) == ([], [], [])
    town.restart()
    assert town.bank.tick() == 1
    assert result.exists()


def test_killed_with_sigkill_at_work(town, tmp_path):
    """Kill the real process at moments spread over its work; the books and the answers come out whole."""
    for batch in range(1, 7):
        records = [
            account(f"U{n}", person_id(n), phone=f"138{n:08d}") for n in range(batch * 1000, batch * 1000 + 1000)
        ]
        town.put(f"{batch:06d}", *records)
    command = [sys.executable, "-m", "migration.sandbox.bank", "--directory", town.directory, "--state", town.state]
    for wanted in (1, 3):
        process = subprocess.Popen([*command, "--poll", "0.05"], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith(f"3005-APPZX0110-{wanted:06d}"):
                os.kill(process.pid, signal.SIGKILL)  # its books are committed, its answer perhaps not written
                break
        process.communicate()
    subprocess.run([*command, "--once"], check=True, stdout=subprocess.DEVNULL)
    books = dump(town.state)
    assert len(books["accounts"]) == 6000
    assert {row["count"] for row in books["effects"]} == {1}
    answers = sorted((town.directory / "in" / FOLDER).glob("3005-*"))
    assert [path.stat().st_size for path in answers] == [1000 * 365] * 6


def test_a_full_disk_is_announced_and_tried_again(town, monkeypatch):
    result = town.put("000001", *two())
    right, stop, said = exchange.write, threading.Event(), []
    turns = iter([OSError(28, "No space left on device"), OSError(28, "No space left on device")])

    def full_twice(path, content):
        trouble = next(turns, None)
        if trouble:
            raise trouble
        right(path, content)
        stop.set()

    monkeypatch.setattr(exchange, "write", full_twice)
    run(
        town.directory, state=town.state, faults=None, business_date=None, poll_s=0.001, stop=stop, announce=said.append
    )
    assert result.read_bytes().count(b"\n") == 2
    assert len([line for line in said if "No space left" in line]) == 1
    assert [row["done"] for row in dump(town.state)["emissions"]] == [1]


def test_once_raises_when_it_cannot_write(town, monkeypatch):
    town.put("000001", *two())
    monkeypatch.setattr(exchange, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        run(town.directory, state=town.state, faults=None, business_date=None, once=True, announce=town.said.append)


def test_run_serves_until_told_to_stop_and_alone(town):
    stop = threading.Event()
    worker = threading.Thread(
        target=run,
        args=(town.directory,),
        kwargs={"state": town.state, "faults": None, "business_date": None, "poll_s": 0.01, "stop": stop,
                "announce": town.said.append},
    )  # fmt: skip
    worker.start()
    try:
        result = town.put("000001", *two())
        deadline = time.monotonic() + 20
        while not result.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(BankBusy):
            run(town.directory, state=town.state, faults=None, business_date=None, once=True)
    finally:
        stop.set()
        worker.join()
    assert result.exists()
    assert town.said[0] == "sandbox bank: open"
    assert town.said[-1] == "sandbox bank: closed"


def test_the_command(town, capsys):
    result = town.put("000001", *two())
    assert main(["--directory", str(town.directory), "--state", str(town.state), "--once"]) == 0
    assert result.exists()
    capsys.readouterr()
    assert main(["dump", "--state", str(town.state)]) == 0
    books = json.loads(capsys.readouterr().out)
    assert [row["app_id"] for row in books["accounts"]] == ["U1", "U2"]
    assert main(["dump", "--state", str(town.root / "none")]) == 2
    missing = str(town.root / "none.toml")
    assert main(["--directory", "d", "--state", str(town.state), "--faults", missing, "--once"]) == 2
    assert "none.toml" in capsys.readouterr().err


def test_nothing_personal_is_said_or_noted(town):
    town.ask("000001", *two(), account("U3", person_id(3), name="", phone="13800000003"))
    town.put("000001", *two())
    town.bank.tick()
    spoken = " ".join([*town.said, *incidents(town)])
    assert "000001" in spoken
    for secret in ("李伟", "13800000000", person_id(1), "6212460"):
        assert secret not in spoken


def test_the_books_are_private(town):
    town.open_customers(1)
    assert town.state.stat().st_mode & 0o777 == 0o700


def test_a_wrong_plan_at_the_start(town):
    town.plan("refuse_userz = {}")
    with pytest.raises(PlanError, match="refuse_userz"):
        SandboxBank(town.directory, town.state, town.faults)
