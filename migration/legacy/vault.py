"""The data key: what encrypts personal data at rest in the workspace (contract.md section 5).

32 bytes, from the environment (CUTOVER_DATA_KEY, 64 hex digits) or from `<workspace>/keys/data.key`, which is made at
the first use with mode 0600 in a folder of mode 0700. The key itself encrypts nothing: each purpose gets a key of its
own from it (HKDF-SHA256), so that no two files share one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from migration.domain.errors import ConfigurationError, CouldNotCheck

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLE: Final = "CUTOVER_DATA_KEY"
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MAGIC: Final = b"CUT1"  # the form of a sealed value: magic, nonce, AES-256-GCM ciphertext with its tag
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Vault:
    """Holds the data key; `key_id` names it in manifests without telling anything about it."""

    key: bytes = field(repr=False)

    @classmethod
    def open(cls, workspace: Path, environ: Mapping[str, str] = os.environ) -> Vault:
        """Take the key from the environment, else from the workspace, where it is made once.

        ConfigurationError(DATA_KEY_INVALID) when what is there is no key.
        """
        given = environ.get(VARIABLE)
        if given is not None:
            return cls(parsed(given, VARIABLE))
        return cls(kept(workspace / "keys" / "data.key"))

    @property
    def key_id(self) -> str:
        """Name the key: 16 hex digits, from a digest of a derived key."""
        return hashlib.sha256(self.derive("key id")).hexdigest()[:16]

    def derive(self, purpose: str) -> bytes:
        """Return a 32-byte key of its own for a purpose."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(self.key)

    def seal(self, content: bytes, context: bytes = b"") -> bytes:
        """Encrypt and authenticate; `context` (which file it is, say) must be the same on unsealing."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MAGIC + nonce + AESGCM(self.derive("seal")).encrypt(nonce, content, context)

    def unseal(self, sealed: bytes, context: bytes = b"") -> bytes:
        """Decrypt; CouldNotCheck(SEALED_DAMAGED) when it was changed or sealed with another key or context."""
        nonce, body = sealed[len(_MAGIC) : len(_MAGIC) + _NONCE_BYTES], sealed[len(_MAGIC) + _NONCE_BYTES :]
        try:
            if not sealed.startswith(_MAGIC):
                raise InvalidTag  # noqa: TRY301 - the same verdict as a wrong tag
            return AESGCM(self.derive("seal")).decrypt(nonce, body, context)
        except (InvalidTag, ValueError) as error:
            raise CouldNotCheck.of(
                "SEALED_DAMAGED",
                f"data key {self.key_id}",
                "encrypted content was changed or written with another data key",
                f"restore it, or set {VARIABLE} to the key it was written with",
            ) from error


def kept(path: Path) -> bytes:
    """The key in a file, made when there is none; ConfigurationError(DATA_KEY_INVALID)."""
    if not path.exists():
        _make(path)
    return parsed(path.read_text(encoding="ascii", errors="replace"), f"keys/{path.name}")


def parsed(text: str, origin: str) -> bytes:
    """32 bytes from 64 hex digits; ConfigurationError(DATA_KEY_INVALID)."""
    if not _HEX.fullmatch(text.strip()):
        raise ConfigurationError.of(
            "DATA_KEY_INVALID", origin, "no data key of 64 hex digits", "restore the key; data written with it needs it"
        )
    return bytes.fromhex(text.strip())


def _make(path: Path) -> None:
    """Write a new key completely or not at all; if another process was first, its key stands."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # made by another process meanwhile
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
