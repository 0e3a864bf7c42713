"""Personal-data canaries: invented names, ID numbers, phones and cards, and a search for them in whatever a run leaves.

A value is looked for in every form in which it could lie somewhere: UTF-8, GBK, UTF-16, base64 of each (at any offset),
hexadecimal, escaped as JSON, Python, a URL or HTML does. Archives and PDFs are unpacked first.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from migration.sandbox.generate.numbers import id_with_check
from tests.contract.platforms import Tables, row
from tests.support.platform import joined, loan, person

COUNT = 20
_GIVEN = "麒麟骐骥骅骝骠骢翡翠琥珀珊瑚玳瑁鹣鲽鸳鸯"
_ENCODINGS = ("utf-8", "gbk", "utf-16-le", "utf-16-be")

Found = dict[str, set[str]]
"""Place -> canaries that were seen there."""


def names() -> list[str]:
    return [f"欧阳{one}雀" for one in _GIVEN]


def id_numbers() -> list[str]:
    return [id_with_check(f"11010119800101{number:03d}") for number in range(1, COUNT + 1)]


def phones() -> list[str]:
    return [f"1397653{number:04d}" for number in range(1, COUNT + 1)]


def cards() -> list[str]:
    return [f"62220202001234{number:05d}" for number in range(1, COUNT + 1)]


def values() -> list[str]:
    """All eighty."""
    return [*names(), *id_numbers(), *phones(), *cards()]


def platform() -> Tables:
    """Twenty persons by these names, each with a card at the escrow; three listings, each lent by several of them."""
    people = zip(names(), phones(), cards(), range(1, COUNT + 1), strict=True)
    users, cash = [], []
    for name, phone, card, number in people:
        users.append(person(number) | {"name": name, "phone": phone})
        own = {"escrow_id": f"E{number}", "user_id": f"U{number}"}
        cash.append(row("escrow_accounts", **own, bound_card=card, bound_bank="ICBC"))
    loans = [loan(n, "U1", {f"U{2 + i}": f"{100 * n + i}.0{n}" for i in range(6)}) for n in range(1, 4)]
    return joined({"users": users, "escrow_accounts": cash}, *loans)


@cache
def forms(value: str) -> frozenset[bytes]:
    """Every way in which the value may be written down."""
    found: set[bytes] = set()
    for encoding in _ENCODINGS:
        raw = value.encode(encoding, "ignore")
        if raw.decode(encoding) != value:  # this encoding cannot carry it
            continue
        found |= {raw, raw.hex().encode(), raw.hex().upper().encode()}
        found |= {_inside_base64(raw, offset) for offset in range(3)}
        found.add("".join(f"\\x{byte:02x}" for byte in raw).encode())
    escaped = json.dumps(value)[1:-1]
    found |= {escaped.encode(), escaped.replace("\\u", "\\\\u").encode()}
    found |= {urllib.parse.quote(value).encode(), urllib.parse.quote(value).lower().encode()}
    if not value.isascii():
        found |= {
            "".join(form.format(ord(one)) for one in value).encode() for form in ("&#{};", "&#x{:x};", "&#x{:X};")
        }
    return frozenset(found)


def _inside_base64(raw: bytes, offset: int) -> bytes:
    """The part of the base64 that does not depend on what stands before and after."""
    text = base64.b64encode(bytes(offset) + raw)
    first = (0, 2, 3)[offset]
    return text[first : len(text) - 4]


class Watch:
    """Looks for values in places. `seen` holds what was found, by place; `looked` how many bytes each place gave."""

    def __init__(self, wanted: Iterable[str] | None = None) -> None:
        chosen = values() if wanted is None else list(wanted)
        self._starting: dict[bytes, list[tuple[bytes, str]]] = {}
        for value in chosen:
            for form in forms(value):
                self._starting.setdefault(form[:4], []).append((form, value))
        self._pairs = [np.zeros(65_536, dtype=bool) for _ in range(2)]
        for start in self._starting:
            for half, seen in enumerate(self._pairs):
                seen[int.from_bytes(start[2 * half : 2 * half + 2], "little")] = True
        self.seen: Found = {}
        self.looked: dict[str, int] = {}

    def look(self, place: str, content: bytes | str) -> None:
        """Search one piece; what is packed in it, too."""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        self.looked[place] = self.looked.get(place, 0) + len(raw)
        for piece in unpacked(raw):
            hits = set(self._hits(piece))
            if hits:
                self.seen.setdefault(place, set()).update(hits)

    def _hits(self, piece: bytes) -> Iterator[str]:
        """Only where the first four bytes may begin a form is it compared: fonts in a PDF are millions of bytes."""
        octets = np.frombuffer(piece, dtype=np.uint8).astype(np.uint16)
        pairs = octets[:-1] | (octets[1:] << 8)
        for at in np.flatnonzero(self._pairs[0][pairs[:-2]] & self._pairs[1][pairs[2:]]) if len(pairs) > 2 else ():
            for form, value in self._starting.get(piece[at : at + 4], ()):
                if piece.startswith(form, at):
                    yield value

    def look_all(self, place: str, pieces: Iterable[bytes | str]) -> None:
        for piece in pieces:
            self.look(place, piece)

    def folder(self, place: str, root: Path, *, without: Iterable[str] = ()) -> None:
        """Every file below, and its name; `without`: folders directly under the root."""
        left_out = {root / name for name in without}
        for path in sorted(root.rglob("*")):
            if not left_out & {path, *path.parents}:
                self.look(place, str(path.relative_to(root)))
                if path.is_file():
                    self.look(place, path.read_bytes())


def unpacked(content: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them: the members of an archive (an XLSX is one), a PDF's text and streams."""
    yield content
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name))
    elif content.startswith(b"%PDF"):
        yield from _pdf(content)
    elif content.startswith(b"\x1f\x8b"):
        yield zlib.decompress(content, 31)


def _pdf(content: bytes) -> Iterator[bytes]:
    yield from _pdf_streams(content)
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=content, capture_output=True, check=True)
        yield done.stdout
        yield b"".join(done.stdout.split())


def _pdf_streams(content: bytes) -> Iterator[bytes]:
    for piece in content.split(b"stream")[1:]:
        try:
            yield zlib.decompressobj().decompress(piece.lstrip(b"\r\n"))
        except zlib.error:
            continue


def of_platform(tables: Mapping[str, list[dict[str, Any]]]) -> set[str]:
    """Every value of a platform's people that must not come up: names, ID numbers, phones, cards."""
    users = tables["users"]
    found = {user[name] for user in users for name in ("name", "id_no", "phone", "corporate_account") if user[name]}
    return found | {account["bound_card"] for account in tables.get("escrow_accounts", []) if account.get("bound_card")}
