"""Who is asking: only a verified token says so. The algorithm is the key's own, never the token's choice."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from migration.domain.errors import ConfigurationError
from migration.withdrawals.values import Refused

LEEWAY_S: Final = 5
LONGEST: Final = 8_192
KEPT: Final = 10_000
_RSA_BITS: Final = 2_048
Role = Literal["user", "operator"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """A verified caller. `subject` is the user's id (the kept user), or the operator's name."""

    subject: str
    role: Role


@dataclass(frozen=True, slots=True)
class Tokens:
    """Verifies JSON web tokens of one issuer for one audience with one public key."""

    issuer: str
    audience: str
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    algorithm: str
    seen: dict[str, tuple[Bearer, float]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, issuer: str, audience: str, pem: bytes) -> Tokens:
        """Read the public key; ConfigurationError(JWT_KEY) when it is none of RSA (from 2048 bits), P-256, Ed25519."""
        try:
            key = load_pem_public_key(pem)
        except ValueError:
            key = None
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
            return cls(issuer, audience, key, "RS256")
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(issuer, audience, key, "ES256")
        if isinstance(key, ed25519.Ed25519PublicKey):
            return cls(issuer, audience, key, "EdDSA")
        detail = "is no public key in PEM of RSA (2048 bits and more), P-256 or Ed25519"
        raise ConfigurationError.of("JWT_KEY", "withdrawals.public_key_file", detail, "the issuer's public key")

    def verify(self, token: str) -> Bearer:
        """Return who it speaks for; Refused(TOKEN_INVALID) for whatever is not exactly right.

        A signature is looked at once; what it said is kept until it expires.
        """
        kept = self.seen.get(token)
        if kept is not None and kept[1] > time.time():
            return kept[0]
        bearer, until = self._look(token)
        if len(self.seen) >= KEPT:
            self.seen.clear()
        self.seen[token] = (bearer, until)
        return bearer

    def _look(self, token: str) -> tuple[Bearer, float]:
        if len(token) > LONGEST:
            raise Refused("TOKEN_INVALID")
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=[self.algorithm],
                issuer=self.issuer,
                audience=self.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"], "strict_aud": True},
            )
        except (jwt.InvalidTokenError, ValueError):
            raise Refused("TOKEN_INVALID") from None
        role = claims.get("role", "user")
        subject = claims["sub"]
        if role not in {"user", "operator"} or not isinstance(subject, str) or not subject.isprintable() or not subject:
            raise Refused("TOKEN_INVALID")
        return Bearer(subject, role), float(claims["exp"])


_SECRET: Final = secrets.token_bytes(32)


def csrf_of(token: str) -> str:
    """What a page must send beside its cookie, so that no other site can write in its name. New with each process."""
    return hmac.new(_SECRET, token.encode(), hashlib.sha256).hexdigest()


def csrf_fits(token: str, said: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(csrf_of(token), said)
