"""The directory transport's own duties: places, modes, unsafe things in the exchange, faults of the disk."""

import errno
import fcntl
import json
import os
import stat
import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from migration.bank import disk
from migration.bank.transport import DirectoryFiles
from migration.domain.errors import ConfigurationError, GateClosed, TransientError

DAY = date(2017, 11, 18)
REQUEST, RESULT = "3005-BID-000001-20171118", "3005-BIDRESP-000001-20171118"


class Clock:
    def __init__(self) -> None:
        self.at, self.slept = datetime.now(UTC), 0.0

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.slept += seconds


@pytest.fixture
def files(tmp_path) -> DirectoryFiles:
    return DirectoryFiles(tmp_path / "exchange", tmp_path / "workspace", Clock())


@pytest.fixture
def out(tmp_path):
    return tmp_path / "exchange/out/2017/11/18"


@pytest.fixture
def incoming(tmp_path):
    place = tmp_path / "exchange/in/2017/11/18"
    place.mkdir(parents=True)
    return place


def listing(place) -> list[str]:
    return sorted(each.name for each in place.iterdir())


def test_places_and_modes(files, out, tmp_path):
    files.deliver(REQUEST, DAY, b"x\n")
    files.quarantine(RESULT, DAY, b"bad", ())
    files.manifest(REQUEST, {})
    assert listing(out) == [REQUEST]
    assert listing(tmp_path / "workspace/quarantine") == [RESULT, f"{RESULT}.json"]
    assert listing(tmp_path / "workspace/manifests") == [f"{REQUEST}.json"]
    for place in (tmp_path / "exchange", out, tmp_path / "workspace", tmp_path / "workspace/quarantine"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((out / REQUEST).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "workspace/quarantine" / RESULT).stat().st_mode) == 0o600


def test_the_mode_of_a_folder_that_is_there_is_the_operator_s(files, tmp_path):
    (tmp_path / "exchange").mkdir(mode=0o750)
    files.deliver(REQUEST, DAY, b"x\n")
    assert stat.S_IMODE((tmp_path / "exchange").stat().st_mode) == 0o750


def test_the_final_name_appears_only_when_the_content_is_whole(files, out, monkeypatch):
    seen = []
    real = os.fsync

    def watch(handle):
        seen.append(listing(out))
        real(handle)

    monkeypatch.setattr(os, "fsync", watch)
    files.deliver(REQUEST, DAY, b"x\n")
    assert seen[0] == [f".{REQUEST}.part"]
    assert seen[-1] == [REQUEST]


def test_a_longer_part_left_by_a_killed_run_is_overwritten(files, out):
    out.mkdir(parents=True)
    (out / f".{REQUEST}.part").write_bytes(b"half of something much longer than the request")
    files.deliver(REQUEST, DAY, b"x\n")
    assert listing(out) == [REQUEST]
    assert (out / REQUEST).read_bytes() == b"x\n"


def test_a_run_that_holds_the_part_makes_the_other_one_wait_and_give_up(files, out):
    out.mkdir(parents=True)
    with (out / f".{REQUEST}.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TransientError, match="REQUEST_BUSY"):
            files.deliver(REQUEST, DAY, b"x\n")
    assert files._clock.slept == 10.0
    files.deliver(REQUEST, DAY, b"x\n")


def test_many_runs_at_once_deliver_one_whole_file(files, out):
    content = os.urandom(300_000)
    faults = []

    def run():
        try:
            files.deliver(REQUEST, DAY, content)
        except TransientError as fault:  # busy: the caller would try again
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files.deliver(REQUEST, DAY, content)
    assert (out / REQUEST).read_bytes() == content
    assert listing(out) == [REQUEST]
    assert all("REQUEST_BUSY" in str(fault) for fault in faults)


@pytest.mark.parametrize("what", ["link", "dangling link", "folder", "pipe"])
def test_unsafe_things_in_place_of_a_file(files, incoming, tmp_path, what):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = incoming / RESULT
    {
        "link": lambda: path.symlink_to(secret),
        "dangling link": lambda: path.symlink_to(tmp_path / "nothing"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
    }[what]()
    with pytest.raises(GateClosed, match=f"FILE_UNSAFE {RESULT}"):
        files.result(RESULT, DAY)
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.quarantine(RESULT, DAY, b"bad", ())
    target = tmp_path / "exchange/out/2017/11/18" / REQUEST
    target.parent.mkdir(parents=True)
    path.rename(target)
    with pytest.raises(GateClosed, match=f"FILE_UNSAFE {REQUEST}"):
        files.deliver(REQUEST, DAY, b"x")
    assert secret.read_bytes() == b"secret"


@pytest.mark.parametrize("part", ["in", "in/2017", "in/2017/11/18"])
def test_a_linked_folder_on_the_way_in(files, tmp_path, part):
    elsewhere = tmp_path / "elsewhere/2017/11/18"
    elsewhere.mkdir(parents=True)
    link = tmp_path / "exchange" / part
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.result(RESULT, DAY)


def test_a_linked_folder_on_the_way_out_is_not_written_through(files, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange/out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.deliver(REQUEST, DAY, b"x")
    assert listing(tmp_path / "elsewhere") == []


def test_a_linked_part_is_not_written_through(files, out, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    out.mkdir(parents=True)
    (out / f".{REQUEST}.part").symlink_to(secret)
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.deliver(REQUEST, DAY, b"x")
    assert secret.read_bytes() == b"secret"
    assert not (out / REQUEST).exists()


def test_the_exchange_itself_may_be_a_link_of_the_operator_s(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "exchange").symlink_to(tmp_path / "real")
    DirectoryFiles(tmp_path / "exchange", tmp_path / "workspace", Clock()).deliver(REQUEST, DAY, b"x")
    assert (tmp_path / "real/out/2017/11/18" / REQUEST).read_bytes() == b"x"


@pytest.mark.parametrize(
    ("number", "error", "code"),
    [
        (errno.ENOSPC, TransientError, "DISK_FULL"),
        (errno.EDQUOT, TransientError, "DISK_FULL"),
        (errno.EIO, TransientError, "FILE_IO"),
        (errno.EACCES, ConfigurationError, "FILE_DENIED"),
        (errno.EROFS, ConfigurationError, "FILE_DENIED"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "open"])
def test_faults_of_the_disk_leave_no_final_name_and_the_next_run_goes_on(
    files, out, tmp_path, incoming, monkeypatch, call, number, error, code
):
    (incoming / RESULT).write_bytes(b"bad")

    def broken(*_args, **_kwargs):
        raise OSError(number, os.strerror(number), "/some/place")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, broken)
        with pytest.raises(error, match=f"^{code} {REQUEST}: .*{errno.errorcode[number]}") as caught:
            files.deliver(REQUEST, DAY, b"x\n")
        with pytest.raises(error, match=code):
            files.quarantine(RESULT, DAY, b"bad", ())
        with pytest.raises(error, match=code):
            files.manifest(REQUEST, {})
    assert "/some/place" not in str(caught.value)
    assert not (out / REQUEST).exists()
    assert not (tmp_path / "workspace/manifests" / f"{REQUEST}.json").exists()
    assert (incoming / RESULT).read_bytes() == b"bad"
    files.deliver(REQUEST, DAY, b"x\n")
    assert (out / REQUEST).read_bytes() == b"x\n"
    assert files.quarantine(RESULT, DAY, b"bad", ()) == f"quarantine/{RESULT}"
    assert listing(tmp_path / "workspace/quarantine") == [RESULT, f"{RESULT}.json"]


def test_a_file_where_a_folder_should_be(files, tmp_path):
    (tmp_path / "exchange").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="FILE_PLACE"):
        files.deliver(REQUEST, DAY, b"x")


def test_a_disk_that_returns_other_bytes_delivers_nothing(files, out, monkeypatch):
    real = disk.fill
    monkeypatch.setattr(disk, "fill", lambda handle, content: real(handle, content[:-1] + b"?"))
    with pytest.raises(TransientError, match="REQUEST_READ_BACK"):
        files.deliver(REQUEST, DAY, b"x\n")
    assert listing(out) == []


def test_a_request_changed_right_after_the_rename_is_a_conflict(files, out, monkeypatch):
    real = disk.flush_folder

    def meddle(place):
        (out / REQUEST).write_bytes(b"other")
        real(place)

    monkeypatch.setattr(disk, "flush_folder", meddle)
    with pytest.raises(GateClosed, match="REQUEST_CONFLICT"):
        files.deliver(REQUEST, DAY, b"x\n")


def test_a_clock_a_day_off_does_not_keep_a_result_unsettled(files, incoming):
    (incoming / RESULT).write_bytes(b"x")
    for days in (-1, 1):
        files._clock.at = datetime.now(UTC) + timedelta(days=days)
        assert files.result(RESULT, DAY).settled


def test_the_note_names_no_more_than_it_is_given(files, tmp_path):
    files.quarantine(RESULT, DAY, "张三丰".encode("gbk"), ())
    note = (tmp_path / "workspace/quarantine" / f"{RESULT}.json").read_text()
    assert sorted(json.loads(note)) == ["business_date", "bytes", "name", "reasons", "sha256"]
    assert "张" not in note
