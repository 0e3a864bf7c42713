"""The evidence key: an Ed25519 pair that signs the roots. The private half is no part of any bundle.

Its place is `<workspace>/keys/evidence.key` (PEM, PKCS#8, mode 0600), made at the first use, or the file that
CUTOVER_EVIDENCE_KEY names. The public half is written to `<workspace>/evidence/public_key.pem`, to be handed over before
the night: a signature proves something only to who had the key beforehand.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from migration.domain.errors import ConfigurationError
from migration.journal import verify_journal

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CUTOVER_EVIDENCE_KEY"
PUBLIC: Final = "public_key.pem"
PUBLIC_KEYS: Final = "public_key*.pem"
"""The key in use, and those in use before it."""


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """The pair. `name` tells keys apart: the first 16 hex digits of SHA-256 over the 32 public bytes."""

    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def open(cls, workspace: Path, environ: Mapping[str, str] = os.environ) -> EvidenceKey:
        """Take the key from where the environment says, else from the workspace, where it is made once.

        ConfigurationError(EVIDENCE_KEY_INVALID) when it is missing where the environment says, or is no Ed25519 key.
        """
        named = environ.get(VARIABLE)
        path = Path(named) if named else workspace / "keys" / "evidence.key"
        if not named and not path.exists():
            _make(path)
        try:
            found = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _invalid(path, type(error).__name__) from None
        if not isinstance(found, Ed25519PrivateKey):
            raise _invalid(path, "another kind of key")
        return cls(found)

    @property
    def public(self) -> bytes:
        """The 32 public bytes."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def name(self) -> str:
        """Tell keys apart."""
        return _name(self.public)

    def sign(self, message: bytes) -> str:
        """Return the signature, 128 hex digits (RFC 8032, pure Ed25519)."""
        return self._private.sign(message).hex()

    def publish(self, folder: Path) -> None:
        """Write the public half beside the roots; one that was in use before is kept under its name."""
        path = folder / PUBLIC
        content = self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if path.exists() and path.read_bytes() != content:
            path.rename(folder / f"public_key.{_name(verify_journal.key_of(path.read_text('ascii')))}.pem")
        if not path.exists():
            path.write_bytes(content)


def public_keys(folder: Path) -> list[bytes]:
    """Return the public keys that lie beside the roots, 32 bytes each."""
    return [verify_journal.key_of(path.read_text("ascii")) for path in sorted(folder.glob(PUBLIC_KEYS))]


def _name(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def _make(path: Path) -> None:
    """Write a new key; when another process was quicker, its key stands."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def _invalid(path: Path, why: str) -> Exception:
    detail = f"is no Ed25519 private key in PEM ({why})"
    return ConfigurationError.of("EVIDENCE_KEY_INVALID", path.name, detail, f"mend it, or {VARIABLE}")
