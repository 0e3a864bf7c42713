"""Signatures of the query channel as the bank makes and checks them: a second implementation of its own."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from Cryptodome.IO import PEM, PKCS8
from Cryptodome.Util.asn1 import DerOctetString, DerSequence
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from gmssl import sm2

from migration.sandbox.bank.query_keys import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path


def text_of(message: dict[str, Any]) -> bytes:
    """All values in the order of their keys, one after the other, without `sign`; of lists and objects what is in them."""
    parts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for _, inner in sorted(value.items()):
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        else:
            parts.append(str(value))

    walk({name: value for name, value in message.items() if name != "sign"})
    return "".join(parts).encode("utf-8")


class Signs:
    """Signs as the bank, checks as the platform's counterpart. `algorithm`: rsa-sha256, rsa-sha1 or sm2."""

    def __init__(self, folder: Path, algorithm: str) -> None:
        self._algorithm = algorithm
        if algorithm == "sm2":
            self._bank = _sm2(folder, "bank", own=True)
            self._platform = _sm2(folder, "platform", own=False)
            return
        self._hash = hashes.SHA1() if algorithm == "rsa-sha1" else hashes.SHA256()  # noqa: S303 - what the old profile wants
        self._key: Any = serialization.load_pem_private_key((folder / "bank.key").read_bytes(), None)
        self._known: Any = serialization.load_pem_public_key((folder / "platform.pub").read_bytes())

    def sign(self, message: dict[str, Any]) -> str:
        """The bank's signature."""
        content = text_of(message)
        if self._algorithm == "sm2":
            return base64.b64encode(bytes.fromhex(self._bank.sign_with_sm3(content))).decode()
        return base64.b64encode(self._key.sign(content, padding.PKCS1v15(), self._hash)).decode()

    def accepts(self, message: dict[str, Any]) -> bool:
        """Whether the platform signed this."""
        try:
            given = base64.b64decode(str(message.get("sign", "")), validate=True)
            if self._algorithm == "sm2":
                return len(given) == 64 and bool(self._platform.verify_with_sm3(given.hex(), text_of(message)))  # noqa: PLR2004
            self._known.verify(given, text_of(message), padding.PKCS1v15(), self._hash)
        except (ValueError, InvalidSignature):
            return False
        return True


def other_hand(message: dict[str, Any]) -> str:
    """What looks like a signature and is none: the fault `signature`."""
    return base64.b64encode(hashlib.sha512(text_of(message)).digest() * 4).decode()


def _sm2(folder: Path, who: str, *, own: bool) -> Any:
    der, _, _ = PEM.decode((folder / f"{who}_sm2.pub").read_text())
    scalar = ""
    if own:
        sealed, _, _ = PEM.decode((folder / f"{who}_sm2.key").read_text())
        _, inner, _ = PKCS8.unwrap(sealed, PASSWORD.encode())
        held: Any = DerSequence().decode(inner)[1]
        scalar = bytes(DerOctetString().decode(held).payload or b"").hex()
    tool = sm2.CryptSM2(private_key=scalar, public_key="")
    tool.public_key = der[-64:].hex()  # its constructor strips leading fours and noughts
    return tool
