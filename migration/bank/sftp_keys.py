"""The two keys of an SFTP connection: the bank's host key, pinned by configuration, and our own private key."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from paramiko import PKey, SSHException
from paramiko.pkey import UnknownKeyType

from migration.domain.errors import ConfigurationError
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

OTHERS: Final = 0o077
"""Permissions that a private key must not give."""


def host_key(text: str) -> PKey:
    """Read `bank.known_host_key`: `ssh-ed25519 AAAA...`, as in a .pub file or, with a host before it, in known_hosts.

    ConfigurationError(CONFIG_VALUE) when it is none.
    """
    words = text.split()
    for kind, blob in pairwise(words):
        try:
            return PKey.from_type_string(kind, base64.b64decode(blob, validate=True))
        except (UnknownKeyType, SSHException, binascii.Error, ValueError, IndexError):
            continue
    mend = "write the key as the bank gave it: its type, a blank, its Base64"
    raise ConfigurationError(Finding("CONFIG_VALUE", "bank.known_host_key", "is no public host key", mend))


def algorithms(key: PKey) -> tuple[str, ...]:
    """Return the signature algorithms that a host key of this type answers to; no others are offered to the server."""
    return ("rsa-sha2-512", "rsa-sha2-256") if key.get_name() == "ssh-rsa" else (key.get_name(),)


def private_key(path: Path) -> PKey:
    """Read our private key. ConfigurationError(SFTP_KEY_FILE): missing, open to others, encrypted, or no key."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _unusable("is no regular file", "name the private key's file")
        if status.st_mode & OTHERS:
            raise _unusable(
                f"is open to others (mode {stat.S_IMODE(status.st_mode):04o})", "chmod 600, and think of a new key"
            )
        return PKey.from_path(path)
    except OSError as fault:
        known = os.strerror(fault.errno) if fault.errno else type(fault).__name__
        raise _unusable(f"cannot be read ({known})", "name a file that the user running the cutover can read") from None
    except TypeError:
        raise _unusable(
            "is encrypted", "a run at night has nobody to type: use a key without passphrase, mode 0600"
        ) from None
    except (ValueError, SSHException, UnknownKeyType):
        raise _unusable("holds no private key that is understood", "an OpenSSH key: ed25519, ECDSA or RSA") from None


def _unusable(why: str, mend: str) -> ConfigurationError:
    """Build the error; the path is the operator's own and stays out of it, the key names it."""
    return ConfigurationError(Finding("SFTP_KEY_FILE", "bank.key_file", why, mend))
