"""What every `Files` must do; the directory transport, SFTP (a real server) and the in-memory double all pass."""

import json
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from migration.bank.memory import MemoryFiles
from migration.bank.transport import DirectoryFiles
from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.domain.ports import Files
from migration.sandbox.bank.sftp import Door
from tests.support import sftp

DAY = date(2017, 11, 18)
REQUEST, RESULT = "3005-BID-000001-20171118", "3005-BIDRESP-000001-20171118"
REASONS = (Finding("RESULT_ECHO", f"{RESULT}#2", "field AMOUNT differs from what was sent"),)


@dataclass
class StillClock:
    """Stands at the present until moved; sleeping moves it."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class World(Protocol):
    files: Files
    clock: StillClock
    settles_s: float

    def sent(self, name: str) -> bytes | None: ...
    def answer(self, name: str, content: bytes) -> None: ...
    def quarantined(self, place: str) -> tuple[bytes, dict]: ...
    def manifest(self, name: str) -> dict: ...


class OnDisk:
    settles_s = 2.0

    def __init__(self, root: Path, _door: object) -> None:
        self.root, self.clock = root, StillClock()
        self.files = DirectoryFiles(root / "exchange", root / "workspace", self.clock)

    def sent(self, name):
        path = self.root / "exchange/out/2017/11/18" / name
        return path.read_bytes() if path.exists() else None

    def answer(self, name, content):
        path = self.root / "exchange/in/2017/11/18" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.clock.at = datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def quarantined(self, place):
        path = self.root / "workspace" / place
        return path.read_bytes(), json.loads(path.with_name(path.name + ".json").read_text())

    def manifest(self, name):
        return json.loads((self.root / "workspace/manifests" / f"{name}.json").read_text())


class OverSftp(OnDisk):
    settles_s = 3.0  # SFTP tells times in whole seconds

    def __init__(self, root: Path, door: Door) -> None:
        self.root, self.clock = root, StillClock()
        self.files = sftp.files(door, root, self.clock)

    def answer(self, name, content):
        super().answer(name, content)
        path = self.root / "exchange/in/2017/11/18" / name
        whole = int(path.stat().st_mtime)
        os.utime(path, (whole, whole))
        self.clock.at = datetime.fromtimestamp(whole, UTC)


class InMemory:
    settles_s = 2.0

    def __init__(self, _root: Path, _door: object) -> None:
        self.clock = StillClock()
        self.files = MemoryFiles(self.clock)

    def sent(self, name):
        return self.files.sent.get((DAY, name))

    def answer(self, name, content):
        self.files.answer(name, DAY, content, age_s=0)

    def quarantined(self, place):
        return self.files.quarantined[place]

    def manifest(self, name):
        return json.loads(self.files.manifests[name])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for all tests of the module; each empties its exchange."""
    root = tmp_path_factory.mktemp("sftp")
    with sftp.bank(root) as door:
        yield root, door


@pytest.fixture(params=[OnDisk, OverSftp, InMemory])
def world(request, tmp_path) -> World:
    if request.param is not OverSftp:
        yield request.param(tmp_path, None)
        return
    root, door = request.getfixturevalue("served")
    for place in ("exchange/out", "exchange/in", "workspace"):
        shutil.rmtree(root / place, ignore_errors=True)
    made = OverSftp(root, door)
    yield made
    made.files.close()


def test_a_request_is_delivered_once_and_the_same_again_is_nothing(world):
    world.files.deliver(REQUEST, DAY, b"one\n")
    world.files.deliver(REQUEST, DAY, b"one\n")
    assert world.sent(REQUEST) == b"one\n"


def test_other_content_under_the_name_stops_and_leaves_what_stands(world):
    world.files.deliver(REQUEST, DAY, b"one\n")
    with pytest.raises(GateClosed, match=f"REQUEST_CONFLICT {REQUEST}"):
        world.files.deliver(REQUEST, DAY, b"two\n")
    assert world.sent(REQUEST) == b"one\n"


def test_a_result_is_absent_then_growing_then_settled(world):
    assert world.files.result(RESULT, DAY) is None
    world.answer(RESULT, b"half")
    assert world.files.result(RESULT, DAY).settled is False
    world.clock.sleep(world.settles_s - 0.1)
    assert world.files.result(RESULT, DAY).settled is False
    world.clock.sleep(0.2)
    found = world.files.result(RESULT, DAY)
    assert (found.content, found.settled) == (b"half", True)
    assert world.files.result(RESULT, DAY).content == b"half"  # stays after use


def test_a_quarantined_result_is_gone_from_the_exchange_and_kept_with_its_note(world):
    world.answer(RESULT, b"bad\n")
    place = world.files.quarantine(RESULT, DAY, b"bad\n", REASONS)
    assert place == f"quarantine/{RESULT}"
    assert world.files.result(RESULT, DAY) is None
    content, note = world.quarantined(place)
    assert content == b"bad\n"
    assert note == {
        "name": RESULT,
        "business_date": "2017-11-18",
        "sha256": "1d7a363ce12430881ec56c9cf1409c49c491043618e598c356e2959040872f5a",
        "bytes": 4,
        "reasons": [
            {"code": "RESULT_ECHO", "subject": f"{RESULT}#2", "detail": "field AMOUNT differs from what was sent"}
        ],
    }


def test_a_second_bad_result_gets_a_place_of_its_own_and_the_same_one_its_old_place(world):
    places = []
    for content in (b"bad\n", b"worse\n", b"bad\n"):
        world.answer(RESULT, content)
        places.append(world.files.quarantine(RESULT, DAY, content, REASONS))
        assert world.files.result(RESULT, DAY) is None
    assert places == [f"quarantine/{RESULT}", f"quarantine/{RESULT}.1", f"quarantine/{RESULT}"]
    assert world.quarantined(places[1])[0] == b"worse\n"


def test_a_correct_file_that_came_meanwhile_stays(world):
    world.answer(RESULT, b"good\n")
    place = world.files.quarantine(RESULT, DAY, b"bad\n", REASONS)
    assert world.quarantined(place)[0] == b"bad\n"
    assert world.files.result(RESULT, DAY).content == b"good\n"


def test_quarantine_repeated_after_a_crash(world):
    world.answer(RESULT, b"bad\n")
    first = world.files.quarantine(RESULT, DAY, b"bad\n", REASONS)
    assert world.files.quarantine(RESULT, DAY, b"bad\n", REASONS) == first


def test_a_manifest_is_written_anew(world):
    world.files.manifest(REQUEST, {"rows": 1, "business_date": DAY})
    world.files.manifest(REQUEST, {"rows": 2, "business_date": DAY, "sum_fen": 10**13})
    assert world.manifest(REQUEST) == {"rows": 2, "business_date": "2017-11-18", "sum_fen": 10**13}


BAD_NAMES = [
    "",
    ".",
    "..",
    "../../x",
    "/etc/passwd",
    "3005-BID-000001-20171118/../x",
    "3005-BID-000001-20171118\n",
    "3005-BID-000001-20171118.part",
    ".3005-BID-000001-20171118.part",
    "3005-BID-000001-２０１７1118",
    "3005-BID-000001-20171119",  # another day's
    "3005-BID-\x00-20171118",
    "3005 BID-000001-20171118",
    "x" * 300,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_off_the_allow_list_are_refused_everywhere(world, name):
    for act in (
        lambda: world.files.deliver(name, DAY, b""),
        lambda: world.files.result(name, DAY),
        lambda: world.files.quarantine(name, DAY, b"", ()),
    ):
        with pytest.raises(GateClosed, match="FILE_NAME"):
            act()
    if "20171119" not in name:
        with pytest.raises(GateClosed, match="FILE_NAME"):
            world.files.manifest(name, {})
