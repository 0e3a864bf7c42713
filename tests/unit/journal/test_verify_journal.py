"""The stand-alone verifier: one file, standard library only, that sees whatever is done to a bundle."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from migration.journal import merkle, verify_journal
from migration.journal.verify_journal import Tree, signed
from tests.support import tampering
from tests.support.evidence_case import build

RAW = (Encoding.Raw, PublicFormat.Raw)
FILE = Path(verify_journal.__file__)


@pytest.fixture(scope="module")
def case(embedded, template, tmp_path_factory):
    url = embedded.clone(template, f"evidence_{os.getpid()}")
    one = build(url, tmp_path_factory.mktemp("evidence"))
    yield one
    one.journal.close()
    embedded.drop(f"evidence_{os.getpid()}")


def alone(*words: object) -> subprocess.CompletedProcess[str]:
    """The file by itself: no environment, no site-packages, another folder."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *map(str, words)], env={}, cwd="/", capture_output=True, text=True, check=False
    )


def test_it_needs_nothing_but_the_standard_library():
    tree = ast.parse(FILE.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"__future__"}


def test_an_auditor_runs_it_alone(case, tmp_path):
    copied = Path(shutil.copytree(case.folder / "late", tmp_path / "bundle"))
    assert (copied / FILE.name).read_bytes() == FILE.read_bytes()
    key = tmp_path / "key.pem"
    key.write_bytes((copied / "public_key.pem").read_bytes())
    call = (copied / FILE.name, copied, "--key", key)
    whole = alone(*call)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "全部成立" in whole.stdout
    earlier = tmp_path / "earlier.jsonl"
    earlier.write_bytes(b"".join(line + b"\n" for line in case.handed[:2]))
    assert alone(*call, "--roots", earlier).returncode == 0
    items = copied / "item.jsonl"
    items.write_bytes(items.read_bytes().replace(b'"state":"refused"', b'"state":"ok"'))
    broken = alone(*call)
    assert broken.returncode == 1
    assert broken.stdout.splitlines()[0].startswith("ROWS_CHANGED item/2017-11-18/")
    assert "不成立" in broken.stdout
    assert alone(copied / FILE.name, copied).returncode == 2
    (copied / "gate.jsonl").unlink()
    assert "FILE_MISSING" in alone(*call).stdout


def test_every_table_of_the_case_has_rows(case):
    assert [name for name, lines in case.late.items() if not lines] == []
    assert len(case.late["roots"]) >= 5


def test_the_untouched_bundle_holds_and_each_kind_of_tampering_is_seen(case):
    assert tampering.found(case.late, case.key, case.handed) == []
    done, missed = tampering.campaign(case, 1_000, 7)
    assert missed == []
    assert set(done) == {kind.__name__ for kind in tampering.KINDS}


def test_a_tail_cut_at_a_root_needs_the_roots_that_were_handed_over(case):
    """What the help says: a whole bundle of an earlier moment is sound in itself."""
    assert tampering.found(case.early, case.key, []) == []
    assert [f.code for f in tampering.found(case.early, case.key, case.handed)] == ["ROOT_HANDED_OVER"]


def test_with_the_private_key_a_forged_delivery_is_still_seen(case):
    """An insider who can sign: the approvals are replayed from the events."""
    files = copy.deepcopy(case.late)
    events = [json.loads(line) for line in files["event"]]
    for event in events:
        if event["kind"] == "decided" and json.loads(event["payload"])["gate"] == "accounts":
            event["payload"] = verify_journal.canonical(json.loads(event["payload"]) | {"name": "op"})
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    tampering._rehash(files, events, key, own_name=True, case=case)
    public = key.public_key().public_bytes(*RAW)
    assert {f.code for f in tampering.found(files, public, [])} == {"APPROVAL_INVALID"}


def test_no_personal_data_is_in_a_bundle(case):
    text = b"\n".join(line for lines in case.late.values() for line in lines).decode()
    for secret in ("13800000001", "张三", "李四", "换号", "settled by hand", "not yet"):
        assert secret not in text


def test_a_commitment_can_be_opened(case):
    row = json.loads(case.late["correction"][1])
    with case.journal._db._engine.connect() as connection:
        nonce, old = connection.exec_driver_sql("SELECT nonce, old FROM journal.correction WHERE seq = 2").one()
    assert row["old"] == hashlib.sha256(f"{nonce}|{old}".encode()).hexdigest()
    assert old == "张三"


def test_signatures_are_judged_as_by_the_library():
    dice = random.Random(8032)
    for number in range(12):
        key = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32))
        public, message = key.public_key().public_bytes(*RAW), dice.randbytes(number * 7)
        signature = key.sign(message)
        assert signed(public, message, signature)
        for spoilt in (0, 31, 32, 63):
            wrong = bytearray(signature)
            wrong[spoilt] ^= 1 << dice.randrange(8)
            assert not signed(public, message, bytes(wrong))
        assert not signed(public, message + b"x", signature)
        larger = int.from_bytes(signature[32:], "little") + verify_journal.L
        assert not signed(public, message, signature[:32] + larger.to_bytes(32, "little")), "malleable"
    assert not signed(b"", b"", b"")


def test_the_first_vector_of_rfc_8032():
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert signed(public, b"", signature)


def reference(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + reference(leaves[:k]) + reference(leaves[k:])).digest()


def test_trees_are_those_of_rfc_6962():
    digests = [hashlib.sha256(bytes([n])).hexdigest() for n in range(70)]
    tree, peaks, size = Tree(), [], 0
    assert merkle.root([]) == reference([]).hex()
    for n, digest in enumerate(digests, 1):
        tree.grow(digest)
        peaks, size = merkle.grown(peaks, size, [digest])
        wanted = reference([bytes.fromhex(d) for d in digests[:n]]).hex()
        assert (tree.root(), merkle.root(peaks), size) == (wanted, wanted, n)
    assert merkle.grown(*merkle.grown([], 0, digests[:37]), digests[37:])[0] == peaks
