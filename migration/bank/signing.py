"""Signatures of the query channel (bank-interface.md section 7): one interface, RSA and SM2 behind it.

What is signed: the values of the message sorted by key, concatenated, as UTF-8; Base64. The key lies in PKCS#12 (RSA) or
in an encrypted PKCS#8 (SM2: its curve is not read from PKCS#12 by any library here).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import gmalg
from Cryptodome.IO import PEM, PKCS8
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from migration.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SIGN: Final = "sign"
"""The field that carries the signature; it is no part of what is signed."""
RSA_SHA256: Final = "rsa-sha256"
RSA_SHA1: Final = "rsa-sha1"  # the old profile's; accepted by configuration only
SM2: Final = "sm2"
ALGORITHMS: Final = (RSA_SHA256, RSA_SHA1, SM2)
SM2_UID: Final = b"1234567812345678"  # GB/T 35276: the default identity of a signer
_HASHES: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    RSA_SHA256: hashes.SHA256,
    RSA_SHA1: hashes.SHA1,
}
_RSA_BITS: Final = 2048
_POINT: Final = 65  # 04, x, y
_SCALAR: Final = 32


class Signer(Protocol):
    """Signs as the platform."""

    def sign(self, content: bytes) -> str:
        """The signature in Base64."""
        ...


class Checker(Protocol):
    """Knows the bank's key."""

    def holds(self, content: bytes, signature: str) -> bool:
        """Whether the bank signed this very content. Never raises."""
        ...


def signed_text(message: Mapping[str, Any]) -> bytes:
    """The values of a message sorted by key and concatenated, without `sign`; lists in their order, objects likewise."""
    return _joined({name: value for name, value in message.items() if name != SIGN}).encode()


def _joined(value: object) -> str:
    if isinstance(value, dict):
        return "".join(_joined(value[name]) for name in sorted(value))
    if isinstance(value, list):
        return "".join(_joined(each) for each in value)
    if not isinstance(value, str):
        msg = "a message carries text, lists and objects only"
        raise TypeError(msg)
    return value


@dataclass(frozen=True, slots=True)
class RsaSigner:
    """RSA with PKCS#1 v1.5 padding."""

    key: rsa.RSAPrivateKey
    algorithm: str

    def sign(self, content: bytes) -> str:
        """The signature in Base64."""
        return base64.b64encode(self.key.sign(content, padding.PKCS1v15(), _HASHES[self.algorithm]())).decode()


@dataclass(frozen=True, slots=True)
class RsaChecker:
    """The bank's RSA key."""

    key: rsa.RSAPublicKey
    algorithm: str

    def holds(self, content: bytes, signature: str) -> bool:
        """Whether the bank signed this very content."""
        try:
            given = base64.b64decode(signature, validate=True)
            self.key.verify(given, content, padding.PKCS1v15(), _HASHES[self.algorithm]())
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Sm2Signer:
    """SM2 with SM3 over the default identity; the signature is r and s, 32 bytes each."""

    scalar: bytes

    def sign(self, content: bytes) -> str:
        """The signature in Base64."""
        r, s = gmalg.SM2(self.scalar, SM2_UID).sign(content)
        return base64.b64encode(r.rjust(_SCALAR, b"\0") + s.rjust(_SCALAR, b"\0")).decode()


@dataclass(frozen=True, slots=True)
class Sm2Checker:
    """The bank's SM2 key, an uncompressed point."""

    point: bytes

    def holds(self, content: bytes, signature: str) -> bool:
        """Whether the bank signed this very content."""
        try:
            given = base64.b64decode(signature, validate=True)
            if len(given) != 2 * _SCALAR:
                return False
            return gmalg.SM2(uid=SM2_UID, pk=self.point).verify(content, given[:_SCALAR], given[_SCALAR:])
        except (binascii.Error, ValueError, ArithmeticError, gmalg.errors.GMError):
            return False


# --- keys ---------------------------------------------------------------------------------------------------------------


def load_signer(algorithm: str, place: Path, password: str) -> Signer:
    """The platform's key. ConfigurationError(QUERY_KEY): not there, wrong password, of another kind, too short."""
    content = _read("bank.query_key_file", place)
    try:
        if algorithm == SM2:
            return Sm2Signer(_sm2_scalar(content, password))
        key, _, _ = pkcs12.load_key_and_certificates(content, password.encode())
    except (ValueError, TypeError, IndexError) as fault:
        raise _bad_key("bank.query_key_file", "cannot be opened with this password") from fault
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _RSA_BITS:
        raise _bad_key("bank.query_key_file", f"holds no RSA key of at least {_RSA_BITS} bits")
    return RsaSigner(key, algorithm)


def load_checker(algorithm: str, place: Path) -> Checker:
    """The bank's certificate or public key (PEM). ConfigurationError(QUERY_KEY) when it is none of this kind."""
    content = _read("bank.query_bank_certificate", place)
    try:
        if algorithm == SM2:
            return Sm2Checker(_sm2_point(content))
        if b"BEGIN CERTIFICATE" in content:
            key = x509.load_pem_x509_certificate(content).public_key()
        else:
            key = serialization.load_pem_public_key(content)  # type: ignore[assignment]
    except (ValueError, TypeError, IndexError) as fault:
        raise _bad_key("bank.query_bank_certificate", "is no certificate or public key in PEM") from fault
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _RSA_BITS:
        raise _bad_key("bank.query_bank_certificate", f"holds no RSA key of at least {_RSA_BITS} bits")
    return RsaChecker(key, algorithm)


def _sm2_scalar(content: bytes, password: str) -> bytes:
    """ECPrivateKey: SEQUENCE, version 1, OCTET STRING of 32 bytes (RFC 5915)."""
    der, _, _ = PEM.decode(content.decode("ascii"), password.encode())
    _, inner, _ = PKCS8.unwrap(der, password.encode())
    at = inner.index(b"\x02\x01\x01\x04\x20") + 5
    return bytes(inner[at : at + _SCALAR])


def _sm2_point(content: bytes) -> bytes:
    """SubjectPublicKeyInfo ends with the point."""
    der, kind, _ = PEM.decode(content.decode("ascii"))
    point = bytes(der[-_POINT:])
    if kind != "PUBLIC KEY" or point[:1] != b"\x04":
        msg = "no public key"
        raise ValueError(msg)
    return point


def _read(key: str, place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError as fault:
        raise _bad_key(key, f"cannot be read ({type(fault).__name__})") from fault


def _bad_key(key: str, why: str) -> ConfigurationError:
    mend = "docs/configuration.md, the query channel"
    return ConfigurationError.of("QUERY_KEY", key, why, mend)  # type: ignore[return-value]
