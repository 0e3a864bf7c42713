"""The SFTP transport against a real server: drops at any byte, keys, faults of the server, unsafe things, restarts."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from migration.bank import sftp_files
from migration.clock import FakeClock
from migration.domain.errors import ConfigurationError, GateClosed, TransientError
from tests.support import sftp

DAY = date(2017, 11, 18)
REQUEST, RESULT = "3005-BID-000001-20171118", "3005-BIDRESP-000001-20171118"
CONTENT = bytes(range(256)) * 390  # 99,840 bytes: four pieces


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("sftp")


@pytest.fixture(scope="module")
def plan():
    return sftp.Plan()


@pytest.fixture(scope="module")
def door(place, plan):
    with sftp.bank(place, plan) as opened:
        yield opened


@pytest.fixture(scope="module")
def line(door):
    opened = sftp.Line(door.port)
    yield opened
    opened.close()


@pytest.fixture
def clean(place, plan):
    """Every test begins with an empty exchange and no faults."""
    for name in ("exchange/out", "exchange/in", "workspace"):
        shutil.rmtree(place / name, ignore_errors=True)
    plan.set()
    return place


@pytest.fixture
def files(door, clean):
    made = sftp.files(door, clean, FakeClock())
    yield made
    made.close()


@pytest.fixture
def over_line(door, line, clean):
    line.cut(0, lives=0)
    made = sftp.files(door, clean, FakeClock(), port=line.port)
    yield made
    made.close()


@pytest.fixture
def out(clean):
    return clean / "exchange/out/2017/11/18"


@pytest.fixture
def incoming(clean):
    folder = clean / "exchange/in/2017/11/18"
    folder.mkdir(parents=True)
    return folder


def listing(folder) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# --- the connection drops


def test_dropped_at_every_nth_byte_of_a_delivery_it_is_delivered_whole_in_the_end(over_line, line, clean, out):
    """From the first byte of the handshake to the last answer; each time from an empty exchange, in one call."""
    over_line.deliver(REQUEST, DAY, CONTENT)
    whole = line.sent
    assert whole > len(CONTENT)
    cuts = [*range(0, 4_000, 500), *range(4_000, whole, 9_000), whole - 1]
    for after in cuts:
        over_line.close()
        shutil.rmtree(clean / "exchange/out")
        line.cut(after)
        over_line.deliver(REQUEST, DAY, CONTENT)
        assert line.lives == 0, f"the line was not cut at {after}"
        assert listing(out) == [REQUEST], after
        assert (out / REQUEST).read_bytes() == CONTENT


def test_a_line_that_keeps_dropping_ends_the_run_and_the_next_run_goes_on_with_the_part(over_line, line, out, plan):
    plan.set(sftp=[{"match": "BID-", "how": "drop", "after": 20_000, "times": 3}])
    with pytest.raises(TransientError, match=f"^SFTP_LOST {REQUEST}"):
        over_line.deliver(REQUEST, DAY, CONTENT)
    assert over_line._clock.slept == [0.5, 1.0]
    assert listing(out) == [f".{REQUEST}.part"]
    assert (out / f".{REQUEST}.part").read_bytes() == CONTENT[:60_000]
    line.cut(0, lives=0)
    over_line.deliver(REQUEST, DAY, CONTENT)
    assert line.sent < len(CONTENT), "what was there already was not sent again"
    assert (out / REQUEST).read_bytes() == CONTENT


def test_a_part_of_something_else_is_thrown_away(files, out):
    out.mkdir(parents=True)
    for left in (b"half of something else", CONTENT + b"more", b""):
        (out / f".{REQUEST}.part").write_bytes(left)
        files.deliver(REQUEST, DAY, CONTENT)
        assert listing(out) == [REQUEST]
        assert (out / REQUEST).read_bytes() == CONTENT
        (out / REQUEST).unlink()


def test_dropped_after_the_rename_the_request_is_found_and_not_sent_again(files, plan, out):
    plan.set(sftp=[{"match": "BID-", "on": "rename", "how": "drop"}])
    files.deliver(REQUEST, DAY, CONTENT)
    assert listing(out) == [REQUEST]
    assert len(files._clock.slept) == 1


def test_a_result_whose_reading_drops_is_read_again_from_its_beginning(over_line, line, incoming, plan):
    (incoming / RESULT).write_bytes(CONTENT)
    os.utime(incoming / RESULT, (0, 0))
    plan.set(sftp=[{"match": "BIDRESP", "on": "read", "how": "drop", "after": 40_000, "times": 2}])
    found = over_line.result(RESULT, DAY)
    assert (found.content, found.settled) == (CONTENT, True)
    assert len(over_line._clock.slept) == 2


def test_nobody_answers(door, clean):
    made = sftp.files(door, clean, FakeClock(), port=1)
    with pytest.raises(TransientError, match=r"^SFTP_UNREACHABLE bank\.host"):
        made.deliver(REQUEST, DAY, CONTENT)
    assert made._clock.slept == [0.5, 1.0]


def test_a_server_that_restarts_is_found_again(place, tmp_path):
    with sftp.bank(tmp_path) as door:
        made = sftp.files(door, tmp_path, FakeClock())
        made.deliver(REQUEST, DAY, b"one\n")
        port = door.port
    with pytest.raises(TransientError, match="SFTP_UNREACHABLE"):
        made.result(RESULT, DAY)
    with sftp.bank(tmp_path, port=port):
        made.deliver(REQUEST, DAY, b"one\n")
        assert made.result(RESULT, DAY) is None
        made.close()


def test_a_server_that_drips_is_given_up_after_the_time_for_the_whole(door, clean, plan):
    """Each answer comes in time, the whole does not: timeouts of single answers alone would wait for ever."""
    patience = sftp.Patience(answer_s=5, verb_s=1.0, attempts=3)
    made = sftp.files(door, clean, FakeClock(), patience=patience)
    made.result(RESULT, DAY)  # connects
    plan.set(sftp=[{"match": "BID-", "how": "slow", "seconds": 0.6, "times": 99}])
    with pytest.raises(TransientError, match=r"^SFTP_SLOW"):
        made.deliver(REQUEST, DAY, CONTENT)
    plan.set()
    made.deliver(REQUEST, DAY, CONTENT)
    made.close()


def test_a_server_that_does_not_answer_is_given_up(door, clean, plan):
    patience = sftp.Patience(answer_s=0.3, verb_s=20, attempts=2)
    made = sftp.files(door, clean, FakeClock(), patience=patience)
    plan.set(sftp=[{"match": "BID-", "how": "slow", "seconds": 1.0, "times": 99}])
    with pytest.raises(TransientError, match=r"^SFTP_LOST"):
        made.deliver(REQUEST, DAY, b"x" * 1000)
    made.close()


def test_a_listener_that_says_nothing_is_given_up(door, clean):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        patience = sftp.Patience(banner_s=0.3, attempts=1)
        made = sftp.files(door, clean, FakeClock(), port=silent.getsockname()[1], patience=patience)
        with pytest.raises(TransientError, match=r"^SFTP_UNREACHABLE"):
            made.result(RESULT, DAY)


# --- keys


def test_a_changed_host_key_is_refused_and_never_added(tmp_path):
    with sftp.bank(tmp_path) as door:
        before = door
    for name in ("host_key", "host_key.pub"):
        (tmp_path / "state/sftp" / name).unlink()
    with sftp.bank(tmp_path) as door:
        assert door.host_key != before.host_key
        made = sftp.files(before, tmp_path, FakeClock(), port=door.port)
        for _ in range(2):
            with pytest.raises(GateClosed, match=r"^SFTP_HOST_KEY bank\.known_host_key") as caught:
                made.deliver(REQUEST, DAY, CONTENT)
        assert door.host_key not in str(caught.value)
    assert not (tmp_path / "exchange/out/2017").exists()
    assert made._clock.slept == [], "a wrong key is not tried again"


def test_a_host_key_of_another_kind_is_refused(door, clean):
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    made = sftp.files(door, clean, FakeClock(), known_host_key=other)
    with pytest.raises(GateClosed, match="SFTP_HOST_KEY"):
        made.result(RESULT, DAY)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("rsa", "OpenSSH"),
        ("rsa", "TraditionalOpenSSL"),
        ("ecdsa", "OpenSSH"),
        ("ecdsa", "TraditionalOpenSSL"),
        ("ed25519", "OpenSSH"),
    ],
)
def test_host_and_client_keys_of_every_kind(kind, form, tmp_path):
    keys = tmp_path / "state/sftp"
    keys.mkdir(parents=True)
    for name in ("host_key", "client_key"):
        key = {
            "rsa": lambda: rsa.generate_private_key(65_537, 2048),
            "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }[kind]()
        coded = key.private_bytes(Encoding.PEM, getattr(PrivateFormat, form), NoEncryption())
        (keys / name).write_bytes(coded)
        (keys / name).chmod(0o600)
        (keys / f"{name}.pub").write_bytes(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    with sftp.bank(tmp_path) as door:
        made = sftp.files(door, tmp_path, FakeClock(), known_host_key=f"bank.example {door.host_key} comment")
        made.deliver(REQUEST, DAY, b"x\n")
        made.close()
    assert (tmp_path / "exchange/out/2017/11/18" / REQUEST).read_bytes() == b"x\n"


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M=", "SHA256:abc def"])
def test_a_pinned_key_that_is_none(door, clean, text):
    made = sftp.files(door, clean, FakeClock(), known_host_key=text)
    with pytest.raises(ConfigurationError, match=r"CONFIG_VALUE bank\.known_host_key"):
        made.result(RESULT, DAY)


def test_a_key_the_bank_does_not_know(door, clean, tmp_path):
    path = tmp_path / "key"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)
    path.chmod(0o600)
    made = sftp.files(door, clean, FakeClock(), key_file=path)
    with pytest.raises(ConfigurationError, match=r"^SFTP_AUTH bank\.username"):
        made.deliver(REQUEST, DAY, CONTENT)
    assert made._clock.slept == []


def test_key_files_that_cannot_be_used(door, clean, tmp_path):
    key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "open").write_bytes(key.export_private_key())
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "encrypted").write_bytes(key.export_private_key(passphrase="x", rounds=50))
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")
    )
    (tmp_path / "encrypted pem").write_bytes(pem)
    (tmp_path / "public").write_bytes(key.export_public_key())
    (tmp_path / "folder").mkdir()
    for name in ("encrypted", "encrypted pem", "public"):
        (tmp_path / name).chmod(0o600)
    expected = {
        "missing": "cannot be read",
        "folder": "no regular file",
        "open": r"open to others \(mode 0644\)",
        "encrypted": "is encrypted",
        "encrypted pem": "is encrypted",
        "public": "holds no private key",
    }
    for name, why in expected.items():
        made = sftp.files(door, clean, FakeClock(), key_file=tmp_path / name)
        with pytest.raises(ConfigurationError, match=rf"^SFTP_KEY_FILE bank\.key_file: .*{why}") as caught:
            made.result(RESULT, DAY)
        assert "BEGIN" not in str(caught.value)


# --- faults of the server


@pytest.mark.parametrize(
    ("how", "error", "code"),
    [
        ("full", TransientError, "DISK_FULL"),
        ("denied", ConfigurationError, "FILE_DENIED"),
        ("failure", TransientError, "FILE_IO"),
    ],
)
@pytest.mark.parametrize("after", [0, 50_000])
def test_faults_leave_no_final_name_and_the_next_run_goes_on(files, plan, out, how, error, code, after):
    plan.set(sftp=[{"match": "BID-", "how": how, "after": after}])
    with pytest.raises(error, match=f"^{code} {REQUEST}"):
        files.deliver(REQUEST, DAY, CONTENT)
    assert listing(out) == [f".{REQUEST}.part"]
    files.deliver(REQUEST, DAY, CONTENT)
    assert (out / REQUEST).read_bytes() == CONTENT


def test_denied_on_reading_and_taking_out(files, plan, incoming):
    (incoming / RESULT).write_bytes(b"bad")
    plan.set(sftp=[{"match": "BIDRESP", "on": "read", "how": "denied", "times": 9}])
    with pytest.raises(ConfigurationError, match=f"^FILE_DENIED {RESULT}"):
        files.result(RESULT, DAY)
    with pytest.raises(ConfigurationError, match="FILE_DENIED"):
        files.quarantine(RESULT, DAY, b"bad", ())
    assert listing(incoming) == [RESULT]
    plan.set()
    assert files.quarantine(RESULT, DAY, b"bad", ()) == f"quarantine/{RESULT}"
    assert listing(incoming) == []


def test_a_server_that_returns_other_bytes_delivers_nothing(files, out, monkeypatch):
    monkeypatch.setattr(sftp_files, "_digest", lambda *_: "0" * 64)
    with pytest.raises(TransientError, match="REQUEST_READ_BACK"):
        files.deliver(REQUEST, DAY, CONTENT)
    assert listing(out) == []


def test_the_other_run_was_first(files, out, monkeypatch):
    """Between our last byte and our rename the same request appears, or another one."""
    real = sftp_files._rename

    def overtaken(content):
        def rename(session, part, target, name, ours):
            (out / REQUEST).write_bytes(content)
            real(session, part, target, name, ours)

        return rename

    monkeypatch.setattr(sftp_files, "_rename", overtaken(CONTENT))
    files.deliver(REQUEST, DAY, CONTENT)
    assert listing(out) == [REQUEST]
    (out / REQUEST).unlink()
    monkeypatch.setattr(sftp_files, "_rename", overtaken(b"other"))
    with pytest.raises(GateClosed, match="REQUEST_CONFLICT"):
        files.deliver(REQUEST, DAY, CONTENT)
    assert (out / REQUEST).read_bytes() == b"other", "what stood there was not overwritten"


# --- unsafe things


@pytest.mark.parametrize("what", ["link", "folder"])
def test_unsafe_things_in_place_of_a_file(files, incoming, out, tmp_path, what):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    out.mkdir(parents=True)
    for path in (incoming / RESULT, out / REQUEST):
        path.symlink_to(secret) if what == "link" else path.mkdir()
    with pytest.raises(GateClosed, match=f"FILE_UNSAFE {RESULT}"):
        files.result(RESULT, DAY)
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.quarantine(RESULT, DAY, b"bad", ())
    with pytest.raises(GateClosed, match=f"FILE_UNSAFE {REQUEST}"):
        files.deliver(REQUEST, DAY, b"x")
    assert secret.read_bytes() == b"secret"


def test_a_linked_folder_or_part_is_not_written_through(files, clean, tmp_path, out):
    (tmp_path / "elsewhere").mkdir()
    (clean / "exchange/out").mkdir()
    (clean / "exchange/out/2017").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.deliver(REQUEST, DAY, b"x")
    assert listing(tmp_path / "elsewhere") == []
    (clean / "exchange/out/2017").unlink()
    out.mkdir(parents=True)
    (out / f".{REQUEST}.part").symlink_to(tmp_path / "secret")
    with pytest.raises(GateClosed, match="FILE_UNSAFE"):
        files.deliver(REQUEST, DAY, b"x")


def test_a_file_where_a_folder_should_be(files, clean):
    (clean / "exchange/out").mkdir()
    (clean / "exchange/out/2017").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="FILE_PLACE"):
        files.deliver(REQUEST, DAY, b"x")


def test_a_result_larger_than_any_is_not_read(files, incoming, monkeypatch):
    monkeypatch.setattr(sftp_files, "LARGEST", 1000)
    (incoming / RESULT).write_bytes(b"x" * 1001)
    with pytest.raises(GateClosed, match=r"FILE_UNSAFE .*1001 bytes"):
        files.result(RESULT, DAY)


def test_a_result_that_changes_while_it_is_read_is_not_settled(files, incoming, monkeypatch):
    path = incoming / RESULT
    path.write_bytes(b"first half")
    os.utime(path, (0, 0))
    assert files.result(RESULT, DAY).settled
    real = sftp_files._pieces

    def grows(file, name):
        yield from real(file, name)
        path.write_bytes(b"first half, second half")
        os.utime(path, (1, 1))

    monkeypatch.setattr(sftp_files, "_pieces", grows)
    assert not files.result(RESULT, DAY).settled


def test_the_platform_does_not_see_the_bank_s_books(door, clean, place):
    (place / "exchange/state").mkdir(exist_ok=True)
    made = sftp.files(door, clean, FakeClock(), in_path="state")
    with pytest.raises(ConfigurationError, match="FILE_DENIED"):
        made.result(RESULT, DAY)
    made.close()
    made = sftp.files(door, clean, FakeClock(), in_path="in/../../..")
    (place.parent / "2017/11/18").mkdir(parents=True, exist_ok=True)
    (place.parent / "2017/11/18" / RESULT).write_bytes(b"outside")
    assert made.result(RESULT, DAY) is None


def test_the_note_names_no_more_than_it_is_given(files, clean):
    files.quarantine(RESULT, DAY, "张三丰".encode("gbk"), ())
    note = (clean / "workspace/quarantine" / f"{RESULT}.json").read_text()
    assert sorted(json.loads(note)) == ["business_date", "bytes", "name", "reasons", "sha256"]
    assert "张" not in note
