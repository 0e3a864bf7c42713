"""Check an evidence bundle of Cutover without Cutover: one file, standard library only (Python 3.10 or newer).

    python verify_journal.py BUNDLE --key public_key.pem [--key OTHER] [--roots roots.jsonl handed over earlier]

Exit 0: everything holds. Exit 1: a line for each thing that does not. Exit 2: wrong call.
检验 Cutover 证据包：单一文件，只用 Python 标准库。0 = 全部成立；1 = 逐行列出不成立之处；2 = 用法有误。

BUNDLE is what `cutover journal export` wrote. `--key` must have come to you on another way than the bundle: PEM, or 64 hex
digits. `--roots` are roots that were handed to you before; without them a bundle from an earlier moment, whole in
itself, cannot be told from the present one. 不给 --roots，则无法识别“整体回退到较早时点”的证据包。

What is checked: (1) each event's digest = SHA-256(previous digest + canonical JSON of actor, at, kind, payload, seq);
(2) each root: its Ed25519 signature, its Merkle tree (RFC 6962) over the events, its link to the root before, its own event;
(3) the last root covers everything; (4) each group of rows has the SHA-256 that the last event about it says; (5) no
request left, and nothing was destroyed, without enough approvals, of other persons than the requester, none revoked, none
after a rejection; nothing of production was destroyed before its last day.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

GENESIS = "0" * 64
NOTHING = hashlib.sha256(b"").hexdigest()
WHOLE = ("snapshot", "correction", "approver", "gate", "decision", "exception", "signature", "resend", "stage")
DAYS = ("day", "day_balance", "day_difference", "day_error", "day_movement")
TABLES = (*WHOLE, "check_result", "batch", "item", "disposition", *DAYS)
SHOWN = 200
PEM_HEAD = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of an Ed25519 key, before its 32 bytes
WORDS = {
    "CHAIN_GAP": "a number of the chain is missing · 事件链缺号",
    "CHAIN_LINK": "does not carry the digest of the event before · 未承接前一事件的摘要",
    "CHAIN_DIGEST": "its content is not what was hashed · 内容与摘要不符",
    "CHAIN_HEAD": "the cutover's row does not agree with the chain's end · 总行与链尾不一致",
    "ROOT_SIGNATURE": "no valid signature of a given key · 签名无效或密钥不符",
    "ROOT_MERKLE": "the tree over the events has another root · 默克尔根不符",
    "ROOT_ORDER": "does not follow the root before, or is not the event's line · 根的次序或内容与链不一致",
    "ROOTS_FILE": "roots of the chain are missing in the file, or the reverse · 根文件与事件链不一致",
    "ROOT_HANDED_OVER": "a root handed over earlier is not in the bundle · 先前交付的根不在证据包中",
    "TAIL_UNSEALED": "events after the last signed root · 最后一个签名根之后还有事件",
    "ROWS_CHANGED": "rows are not what the last event about them says · 数据行与事件所记摘要不符",
    "APPROVAL_INVALID": "an answer, a delivery or a destruction that the approvals do not carry · 审批不成立",
    "LINE_INVALID": "a line that cannot be read as it must be written · 行格式不符",
    "FILE_MISSING": "the file is missing or not whole · 文件缺失或不完整",
}
Read = Callable[[str], "Iterable[bytes]"]
"""Table, `event`, `cutover` or `roots` -> its lines, without line feeds. OSError or Damaged when it cannot be read."""


class Damaged(Exception):
    """A file that does not end with a line feed, or is not there."""


class Found(NamedTuple):
    """One thing that does not hold."""

    code: str
    subject: str

    def __str__(self) -> str:
        return f"{self.code} {self.subject}: {WORDS[self.code]}"


# --- Ed25519 (RFC 8032, section 5.1), verification only -----------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(s: int, p: Point) -> Point:
    q: Point = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p, s = _add(p, p), s >> 1
    return q


def _point(content: bytes) -> Point | None:
    y = int.from_bytes(content, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE = _point(_BASE_Y.to_bytes(32, "little"))


@lru_cache(maxsize=4096)
def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the key's signature of the message."""
    if len(key) != 32 or len(signature) != 64:  # noqa: PLR2004 - RFC 8032
        return False
    a, r, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or _BASE is None:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = _times(s, _BASE), _add(r, _times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- reading ---------------------------------------------------------------------------------------------------------------


def canonical(value: object) -> str:
    """JSON with sorted keys, no blanks, UTF-8 as is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _parsed(line: bytes, *, ordered: bool) -> dict[str, Any]:
    """A line that reads back as exactly the same text; ValueError otherwise."""
    value = json.loads(line.decode("utf-8"))
    text = canonical(value) if ordered else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if not isinstance(value, dict) or text.encode("utf-8") != line:
        raise ValueError
    return value


def person_key(name: str) -> str:
    """A name as compared: compatibility forms, accents, case, blanks, 0 and o, 1 and l."""
    plain = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", name))
    return " ".join(plain.lower().split()).translate(str.maketrans("01|", "oll"))


def key_of(text: str) -> bytes:
    """The 32 bytes of a public key in PEM or hex; ValueError when it is neither."""
    if "PUBLIC KEY" not in text:
        return bytes.fromhex(text.strip())
    body = base64.b64decode("".join(text.split("-----")[2].split()), validate=True)
    if not body.startswith(PEM_HEAD):
        raise ValueError("no Ed25519 key")
    return body[len(PEM_HEAD) :]


# --- the checks ------------------------------------------------------------------------------------------------------------


class Approvals:
    """Who asked, who answered, whose right stands: replayed from the events."""

    def __init__(self) -> None:
        self.asked: dict[tuple[str, str], tuple[int, str]] = {}
        self.given: dict[tuple[str, str], set[str]] = {}
        self.heard: set[tuple[str, str, str]] = set()
        self.rejected: set[tuple[str, str]] = set()
        self.rights: dict[str, str] = {}
        self.production = False
        self.at = ""  # of the event under way

    def allow(self, kind: str, said: dict[str, Any]) -> bool:
        """Take an event in; False when it may not be."""
        act = {"begun": self._begun, "gate_opened": self._opened, "approver_set": self._right}.get(kind)
        judges = {"decided": self._decided, "delivered": self._delivered, "destruction_begun": self._destroyed}
        judge = judges.get(kind)
        if act is not None:
            act(said)
        return judge is None or judge(said)

    def _begun(self, said: dict[str, Any]) -> None:
        self.production = said["kind"] == "production"

    def _opened(self, said: dict[str, Any]) -> None:
        self.asked.setdefault((said["gate"], said["digest"]), (said["needed"], person_key(said["requester"])))

    def _right(self, said: dict[str, Any]) -> None:
        key = person_key(said["name"])
        self.rights[key] = said["standing"]
        if said["standing"] == "revoked":
            for given in self.given.values():
                given.discard(key)

    def _decided(self, said: dict[str, Any]) -> bool:
        gate, key = (said["gate"], said["digest"]), person_key(said["name"])
        right = self.rights.get(key) or ("revoked" if "granted" in self.rights.values() else "granted")
        fits = gate in self.asked and key != self.asked[gate][1] and (*gate, key) not in self.heard
        fits = fits and gate not in self.rejected and right == "granted" and not (said["rehearsal"] and self.production)
        self.heard.add((*gate, key))
        if said["decision"] == "reject":
            self.rejected.add(gate)
        else:
            self.given.setdefault(gate, set()).add(key)
        return fits

    def _destroyed(self, said: dict[str, Any]) -> bool:
        due = not self.production or said["keep_until"] < self.at[:10]
        return due and self._delivered({"gate": "destroy", "digest": said["digest"]})

    def _delivered(self, said: dict[str, Any]) -> bool:
        gate = (said["gate"].split("#")[0], said["digest"])
        needed, _ = self.asked.get(gate, (1, ""))
        return gate in self.asked and gate not in self.rejected and len(self.given.get(gate, ())) >= needed


class Verification:
    """One pass over a bundle."""

    def __init__(self, read: Read, keys: Sequence[bytes], handed: Sequence[bytes] = (), *, sealed: bool = True) -> None:
        self.read, self.keys, self.handed, self.sealed = read, keys, handed, sealed
        self.found: list[Found] = []
        self.roots: list[dict[str, Any]] = []
        self.lines: list[bytes] = []
        self.groups: dict[str, str] = {}
        self.events = 0

    def run(self) -> list[Found]:
        """Every check; what does not hold."""
        for check in (self._read_roots, self._chain, self._rows):
            try:
                check()
            except (OSError, Damaged) as error:
                self._fail("FILE_MISSING", str(error).splitlines()[0] if str(error) else check.__name__)
            except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
                self._fail("LINE_INVALID", check.__name__.strip("_"))
        return self.found

    def _fail(self, code: str, subject: str) -> None:
        if len(self.found) < SHOWN:
            self.found.append(Found(code, subject))

    def _read_roots(self) -> None:
        self.lines = list(self.read("roots"))
        if list(self.handed) != self.lines[: len(self.handed)]:
            self._fail("ROOT_HANDED_OVER", f"roots/{len(self.handed)}")
        previous, size = GENESIS, 0
        for number, line in enumerate(self.lines, 1):
            root = _parsed(line, ordered=True)
            message = canonical({name: value for name, value in root.items() if name != "signature"}).encode("utf-8")
            mine = [key for key in self.keys if hashlib.sha256(key).hexdigest()[:16] == root["key"]]
            if not any(signed(key, message, bytes.fromhex(root["signature"])) for key in mine):
                self._fail("ROOT_SIGNATURE", f"roots/{number}")
            if (root["n"], root["previous"]) != (number, previous) or root["size"] <= size:
                self._fail("ROOT_ORDER", f"roots/{number}")
            previous, size = hashlib.sha256(line).hexdigest(), root["size"]
            self.roots.append(root)

    def _chain(self) -> None:
        previous, approvals, tree = GENESIS, Approvals(), Tree()
        told, fence = 0, (0, "")
        first: dict[str, Any] = {}
        last: dict[str, Any] = {}
        for line in self.read("event"):
            event = _parsed(line, ordered=False)
            self.events += 1
            subject = f"events/{event['seq']}"
            if event["seq"] != self.events:
                self._fail("CHAIN_GAP", subject)
            if event["previous"] != previous:
                self._fail("CHAIN_LINK", subject)
            if event["digest"] != _link(event):
                self._fail("CHAIN_DIGEST", subject)
            said = json.loads(event["payload"])
            approvals.at = event["at"]
            if not approvals.allow(event["kind"], said):
                self._fail("APPROVAL_INVALID", subject)
            self.groups.update(said.get("witness", {}) if isinstance(said, dict) else {})
            previous, first, last = event["digest"], first or event, event
            fence = (said["fence"], event["actor"]) if event["kind"] == "acquired" else fence
            if event["kind"] == "root":
                told += 1
                if self.lines[told - 1 : told] != [said["line"].encode("utf-8")]:
                    self._fail("ROOT_ORDER", subject)
            tree.grow(event["digest"])
            self._at_root(tree, previous)
        if told != len(self.lines) or any(root["size"] > self.events for root in self.roots):
            self._fail("ROOTS_FILE", f"{told} in the chain, {len(self.lines)} in the file")
        covered = self.roots[-1]["size"] + 1 if self.roots else 0
        if self.sealed and (covered != self.events or last.get("kind") != "root"):
            self._fail("TAIL_UNSEALED", f"events/{covered + 1}")
        self._head(first, last, fence)

    def _at_root(self, tree: Tree, head: str) -> None:
        for root in self.roots:
            if root["size"] == tree.size and (root["root"], root["head"]) != (tree.root(), head):
                self._fail("ROOT_MERKLE", f"roots/{root['n']}")

    def _head(self, first: dict[str, Any], last: dict[str, Any], fence: tuple[int, str]) -> None:
        (line,) = self.read("cutover")
        run = _parsed(line, ordered=False)
        begun = json.loads(first["payload"])
        wanted = {
            **begun,
            "fence": fence[0],
            "holder": fence[1],
            "head_seq": self.events,
            "head_digest": last["digest"],
        }
        if run != {**wanted, "created_at": first["at"]} or any(root["cutover"] != run["id"] for root in self.roots):
            self._fail("CHAIN_HEAD", f"events/{self.events}")

    def _rows(self) -> None:
        seen: set[str] = set()
        for table in TABLES:
            try:
                self._table(table, seen)
            except ValueError:
                self._fail("LINE_INVALID", table)
        for group, digest in sorted(self.groups.items()):
            if group not in seen and digest != NOTHING:
                self._fail("ROWS_CHANGED", group)

    def _table(self, table: str, seen: set[str]) -> None:
        group, digest, before = "", hashlib.sha256(), ""
        for line in self.read(table):
            mine = _group(table, line)
            if mine != group:
                self._close(group, digest.hexdigest(), seen)
                if mine <= before:  # a group that stands twice, or out of order
                    self._fail("ROWS_CHANGED", mine)
                group, digest, before = mine, hashlib.sha256(), mine
            digest.update(line + b"\n")
        self._close(group, digest.hexdigest(), seen)

    def _close(self, group: str, digest: str, seen: set[str]) -> None:
        if group:
            seen.add(group)
            if self.groups.get(group) != digest:
                self._fail("ROWS_CHANGED", group)


class Tree:
    """A Merkle tree that grows: leaf = SHA-256(0 || digest), node = SHA-256(1 || left || right)."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[tuple[int, bytes]] = []  # (leaves, root) of the full subtrees, largest first

    def grow(self, digest: str) -> None:
        """Add an event."""
        self.size += 1
        self.peaks.append((1, hashlib.sha256(b"\0" + bytes.fromhex(digest)).digest()))
        while len(self.peaks) > 1 and self.peaks[-1][0] == self.peaks[-2][0]:
            (many, right), (_, left) = self.peaks.pop(), self.peaks.pop()
            self.peaks.append((2 * many, hashlib.sha256(b"\1" + left + right).digest()))

    def root(self) -> str:
        """The root over all events so far."""
        found = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            found = hashlib.sha256(b"\1" + left + found).digest()
        return found.hex()


def _link(event: dict[str, Any]) -> str:
    head, tail = {name: event[name] for name in ("actor", "at", "kind")}, f',"seq":{event["seq"]}}}'
    text = f'{event["previous"]}{canonical(head)[:-1]},"payload":{event["payload"]}{tail}'
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _group(table: str, line: bytes) -> str:
    row = json.loads(line.decode("utf-8"))
    if table in {"batch", "item"}:
        return f"{table}/{row['business_date']}/{row['batch_no']}"
    if table in DAYS:
        return f"{table}/{row['day']}"
    return f"{table}/{row['entity']}" if table == "disposition" else table


def bundle(folder: Path) -> Read:
    """Read the tables of a bundle, line by line."""

    def read(name: str) -> Iterable[bytes]:
        with (folder / f"{name}.jsonl").open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    raise Damaged(f"{name}.jsonl")
                yield line[:-1]

    return read


def called(arguments: Sequence[str]) -> tuple[Path, list[bytes], list[bytes]]:
    """Folder, keys and roots of a call; ValueError, IndexError or OSError when it is wrong."""
    words = list(arguments)
    folders: list[Path] = []
    keys: list[bytes] = []
    handed: list[bytes] = []
    while words:
        word = words.pop(0)
        if word == "--key":
            keys.append(key_of(Path(words.pop(0)).read_text("ascii")))
        elif word == "--roots":
            handed = Path(words.pop(0)).read_bytes().split(b"\n")[:-1]
        else:
            folders.append(Path(word))
    if len(folders) != 1 or not keys:
        raise ValueError("one BUNDLE and at least one --key")
    return folders[0], keys, handed


def main(arguments: Sequence[str]) -> int:
    """The command."""
    try:
        folder, keys, handed = called(arguments)
    except (ValueError, IndexError, OSError) as error:
        sys.stderr.write(f"{error}\n\n{__doc__}")
        return 2
    verification = Verification(bundle(folder), keys, handed)
    for found in verification.run():
        sys.stdout.write(f"{found}\n")
    told = (verification.events, len(verification.roots), len(verification.groups))
    verdict = "it does NOT hold · 不成立" if verification.found else "everything holds · 全部成立"
    sys.stdout.write(f"{verdict}: {told[0]} events, {told[1]} signed roots, {told[2]} groups of rows\n")
    return 1 if verification.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
