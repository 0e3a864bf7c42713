"""Keys of the query channel, made once in a folder: what the bank keeps, and what it hands to the platform.

tls.pem tls.key              the server's self-signed certificate; the platform trusts tls.pem alone
bank.pem bank.key            the bank signs its replies; the platform is given bank.pem (a certificate)
platform.p12 platform.pub    the platform's key (PKCS#12, password `rehearsal`) and what the bank knows of it
bank_sm2.pub bank_sm2.key platform_sm2.key platform_sm2.pub     the same for SM2 (the key as encrypted PKCS#8)
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, Final

from Cryptodome.IO import PEM, PKCS8
from Cryptodome.Util.asn1 import DerInteger, DerObjectId, DerOctetString, DerSequence
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from gmssl import func, sm2

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD: Final = "rehearsal"  # noqa: S105 - of keys that are made for rehearsals and open nothing else
_YEARS: Final = dt.timedelta(days=3650)
_EC: Final = "1.2.840.10045.2.1"
_CURVE: Final = "1.2.156.10197.1.301"
_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_PLAIN: Final = serialization.NoEncryption()


def prepare(folder: Path) -> None:
    """Make what is missing; a folder that is complete is left alone."""
    if (folder / "complete").exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _server(folder)
    bank, certificate = _certified("sandbox bank")
    _write(folder / "bank.pem", certificate.public_bytes(serialization.Encoding.PEM))
    _write(folder / "bank.key", _pem(bank))
    platform, certificate = _certified("platform")
    sealed = serialization.BestAvailableEncryption(PASSWORD.encode())
    _write(
        folder / "platform.p12", pkcs12.serialize_key_and_certificates(b"platform", platform, certificate, None, sealed)
    )
    public = platform.public_key()
    _write(
        folder / "platform.pub",
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
    for who in ("bank", "platform"):
        _sm2_pair(folder, who)
    _write(folder / "complete", b"")


def _server(folder: Path) -> None:
    key, certificate = _certified("localhost", server=True)
    _write(folder / "tls.pem", certificate.public_bytes(serialization.Encoding.PEM))
    _write(folder / "tls.key", _pem(key))


def _certified(name: str, *, server: bool = False) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + _YEARS)
    built = built.add_extension(x509.BasicConstraints(ca=server, path_length=None), critical=True)
    if server:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, built.sign(key, hashes.SHA256())


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _PLAIN)


def _sm2_pair(folder: Path, who: str) -> None:
    scalar = func.random_hex(64)
    tool = sm2.CryptSM2(private_key=scalar, public_key="")
    point = b"\x04" + bytes.fromhex(tool._kg(int(scalar, 16), tool.ecc_table["g"]))  # noqa: SLF001 - its only way
    inner = DerSequence([DerInteger(1), DerOctetString(bytes.fromhex(scalar))]).encode()
    how = "PBKDF2WithHMAC-SHA1AndAES256-CBC"
    wrapped = PKCS8.wrap(inner, _EC, passphrase=PASSWORD.encode(), protection=how, key_params=DerObjectId(_CURVE))
    _write(folder / f"{who}_sm2.key", PEM.encode(wrapped, "ENCRYPTED PRIVATE KEY").encode())
    _write(folder / f"{who}_sm2.pub", PEM.encode(_SPKI + point, "PUBLIC KEY").encode())


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
