"""Ten thousand ways to tamper with an evidence bundle; the stand-alone verifier has to see each.

    python -m tests.support.tampering [TIMES] [SEED]        (make tamper)

The attacker may change every file of the bundle, knows every rule, and can make everything fit together again except what
needs the private key. The auditor holds the public key and the roots that were handed over.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from migration.journal.embedded import Embedded
from migration.journal.verify_journal import Found, Tree, Verification, canonical
from tests.support.evidence_case import Case, Files, build

Tamper = Callable[[random.Random, Files, Case], None]


def found(files: Files, key: bytes, handed: list[bytes]) -> list[Found]:
    """What the verifier says of these files."""
    return Verification(lambda name: iter(files[name]), [key], handed).run()


def _table(dice: random.Random, files: Files, least: int = 1) -> list[bytes]:
    return files[dice.choice(sorted(name for name, lines in files.items() if len(lines) >= least))]


def bit(dice: random.Random, files: Files, _: Case) -> None:
    """One bit of one byte."""
    lines = _table(dice, files)
    at = dice.randrange(len(lines))
    line = bytearray(lines[at])
    line[dice.randrange(len(line))] ^= 1 << dice.randrange(8)
    lines[at : at + 1] = bytes(line).split(b"\n")


def deletion(dice: random.Random, files: Files, _: Case) -> None:
    """A row is gone."""
    lines = _table(dice, files)
    del lines[dice.randrange(len(lines))]


def doubling(dice: random.Random, files: Files, _: Case) -> None:
    """A row stands twice."""
    lines = _table(dice, files)
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))


def order(dice: random.Random, files: Files, _: Case) -> None:
    """Two rows have changed places."""
    lines = _table(dice, files, 2)
    a, b = dice.sample(range(len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]


def insertion(dice: random.Random, files: Files, _: Case) -> None:
    """A row that never was, made from another one."""
    lines = _table(dice, files)
    row = json.loads(dice.choice(lines))
    _alter(dice, row)
    lines.insert(dice.randrange(len(lines) + 1), _text(row))


def _text(row: Any) -> bytes:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()


def _alter(dice: random.Random, row: dict[str, Any]) -> None:
    """Another value in one cell, of the same kind."""
    name = dice.choice(sorted(row))
    value = row[name]
    if isinstance(value, bool):
        row[name] = not value
    elif isinstance(value, int):
        row[name] = value + dice.choice((-1, 1, 100))
    elif isinstance(value, str) and value:
        at = dice.randrange(len(value))
        row[name] = value[:at] + dice.choice("0123456789abcdefXY") + value[at + 1 :]
    else:
        row[name] = "forged"


def cell(dice: random.Random, files: Files, _: Case) -> None:
    """Another value in one cell: an account number, a state, an amount, a name."""
    lines = _table(dice, files)
    at = dice.randrange(len(lines))
    row = json.loads(lines[at])
    _alter(dice, row)
    lines[at] = canonical(row).encode() if lines is files["roots"] else _text(row)


def exchange(dice: random.Random, files: Files, _: Case) -> None:
    """One column's values of two rows of a table have changed places."""
    lines = _table(dice, files, 2)
    a, b = dice.sample(range(len(lines)), 2)
    one, two = json.loads(lines[a]), json.loads(lines[b])
    name = dice.choice(sorted(one.keys() & two.keys()))
    one[name], two[name] = two[name], one[name]
    lines[a], lines[b] = _text(one), _text(two)


def emptied(dice: random.Random, files: Files, _: Case) -> None:
    """A table is empty, or its file is not there."""
    name = dice.choice(sorted(name for name, lines in files.items() if lines))
    files[name] = []


def tail(dice: random.Random, files: Files, _: Case) -> None:
    """The end is cut off, and everything made to fit: events, head, file of roots."""
    _cut(files, dice.randrange(1, len(files["event"])))


def _cut(files: Files, size: int) -> None:
    files["event"] = files["event"][:size]
    kept = [json.loads(line) for line in files["event"]]
    files["roots"] = files["roots"][: sum(event["kind"] == "root" for event in kept)]
    _fit_head(files, kept)


def _fit_head(files: Files, kept: list[dict[str, Any]]) -> None:
    run = json.loads(files["cutover"][0])
    run |= {"head_seq": len(kept), "head_digest": kept[-1]["digest"]}
    files["cutover"] = [_text(run)]


def rollback(dice: random.Random, files: Files, case: Case) -> None:
    """A whole bundle from an earlier moment, sound in itself."""
    files.clear()
    files.update(copy.deepcopy(case.early))
    if dice.random() < 0.3:
        sizes = [json.loads(line)["size"] + 1 for line in files["roots"]]
        _cut(files, dice.choice(sizes))


def rewritten(dice: random.Random, files: Files, case: Case) -> None:
    """An event is changed, dropped or added, and the whole chain hashed anew; sometimes the roots as well, with a key."""
    events = [json.loads(line) for line in files["event"]]
    at = dice.choice([n for n, event in enumerate(events) if event["kind"] != "root"])
    act = dice.choice(("payload", "actor", "drop", "double", "digest"))
    if act == "payload":
        said = json.loads(events[at]["payload"])
        _alter(dice, said)
        events[at]["payload"] = canonical(said)
    elif act == "actor":
        events[at]["actor"] = dice.choice(("eve", "ann", "op2"))
    elif act == "drop":
        del events[at]
    elif act == "double":
        events.insert(at, dict(events[at]))
    else:
        _forged_row(dice, files, events)
    signer = dice.choice((None, Ed25519PrivateKey.from_private_bytes(dice.randbytes(32))))
    _rehash(files, events, signer, dice.choice((True, False)), case)


def _forged_row(dice: random.Random, files: Files, events: list[dict[str, Any]]) -> None:
    """Change a row, and put its new digest into the last event that names its group."""
    table = dice.choice(("gate", "decision", "exception", "signature", "stage", "approver", "correction"))
    row = json.loads(files[table][-1])
    _alter(dice, row)
    files[table][-1] = _text(row)
    digest = hashlib.sha256(b"".join(line + b"\n" for line in files[table])).hexdigest()
    for event in reversed(events):
        said = json.loads(event["payload"])
        if table in said.get("witness", {}):
            said["witness"][table] = digest
            event["payload"] = canonical(said)
            return


def _rehash(
    files: Files, events: list[dict[str, Any]], signer: Ed25519PrivateKey | None, own_name: bool, case: Case
) -> None:
    """Number and hash the chain anew; with a signer, make and sign all roots anew too."""
    tree, previous, n, before = Tree(), "0" * 64, 0, "0" * 64
    roots: list[bytes] = []
    for seq, event in enumerate(events, 1):
        if event["kind"] == "root" and signer is not None:
            n += 1
            said = json.loads(event["payload"])
            root = json.loads(said["line"])
            root.pop("signature", None)
            mine = signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            root |= {"n": n, "previous": before, "size": tree.size, "root": tree.root(), "head": previous}
            root["key"] = hashlib.sha256(mine if own_name else case.key).hexdigest()[:16]
            line = canonical({**root, "signature": signer.sign(canonical(root).encode()).hex()})
            before = hashlib.sha256(line.encode()).hexdigest()
            roots.append(line.encode())
            event["payload"] = canonical({**said, "line": line, "size": tree.size, "n": n})
        event |= {"seq": seq, "previous": previous}
        head = canonical({name: event[name] for name in ("actor", "at", "kind")})
        text = f'{previous}{head[:-1]},"payload":{event["payload"]},"seq":{seq}}}'
        event["digest"] = previous = hashlib.sha256(text.encode()).hexdigest()
        tree.grow(previous)
    files["event"] = [_text(event) for event in events]
    files["roots"] = roots if signer is not None else files["roots"]
    _fit_head(files, events)


def roots(dice: random.Random, files: Files, _: Case) -> None:
    """The file of roots alone: one dropped, signatures exchanged, another gate or count in one."""
    lines = files["roots"]
    at = dice.randrange(len(lines))
    row = json.loads(lines[at])
    act = dice.choice(("drop", "signature", "field", "case"))
    if act == "drop":
        del lines[at]
    elif act == "signature":
        row["signature"] = json.loads(lines[at - 1])["signature"]
        lines[at] = canonical(row).encode()
    elif act == "case":
        row["signature"] = row["signature"].upper()
        lines[at] = canonical(row).encode()
    else:
        _alter(dice, row)
        lines[at] = canonical(row).encode()


KINDS: tuple[Tamper, ...] = (
    bit,
    deletion,
    doubling,
    order,
    insertion,
    cell,
    exchange,
    emptied,
    tail,
    rollback,
    rewritten,
    roots,
)


def campaign(case: Case, times: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Tamper so many times; returns how often each kind was done, and what was not seen (kind and seed)."""
    done: Counter[str] = Counter()
    missed: list[str] = []
    for number in range(times):
        dice = random.Random(f"{seed}/{number}")
        kind = KINDS[number % len(KINDS)]
        files = copy.deepcopy(case.late)
        while files == case.late:
            kind(dice, files, case)
        done[kind.__name__] += 1
        if not found(files, case.key, case.handed):
            missed.append(f"{kind.__name__} {seed}/{number}")
    return done, missed


def main(times: int = 10_000, seed: int = 20171118) -> int:
    """Build the case on an embedded PostgreSQL and tamper with it."""
    with (
        tempfile.TemporaryDirectory(prefix="cutover-tamper-") as folder,
        Embedded(Path(folder), durable=False) as server,
    ):
        case = build(server.url("tamper"), Path(folder))
        assert not found(case.late, case.key, case.handed), "the untouched bundle holds"
        began = time.process_time()
        done, missed = campaign(case, times, seed)
        case.journal.close()
    for name, count in sorted(done.items()):
        print(f"{name:12} {count:6}")
    print(f"{times:,} tampers, {len(missed)} not seen, {time.process_time() - began:.0f} s of processor time")
    for one in missed[:20]:
        print(f"NOT SEEN {one}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
