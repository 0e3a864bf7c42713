"""Errors, by what the caller must do.

    CutoverError
    |- ConfigurationError   exit 2  mend the configuration or the call; nothing was applied
    |  `- InputRefused      exit 2  mend the input file or the arguments; nothing was applied
    |- GateClosed           exit 3  findings block, a sample failed, a result was quarantined, a rejection
    |- Waiting              exit 4  for the bank, an approval, corrections or signatures; run again
    |- OutcomeUnknown       exit 5  ask the bank, never send again
    |- CouldNotCheck        exit 5  a check could not be made; that is a failure, not a pass
    `- TransientError       exit 1  try again with the same key
       `- StaleFence        exit 1  another run has taken over; this one must stop

Bad data is a `Finding`, not an exception; a `GateClosed` carries the findings that closed the gate.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from migration.domain.findings import Finding


class CutoverError(Exception):
    """Root of the tree. `reasons` are printed on standard error, one a line, stable code first."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *reasons: Finding) -> None:
        self.reasons = reasons
        super().__init__("\n".join(str(reason) for reason in reasons))

    @classmethod
    def of(cls, code: str, subject: str, detail: str, mend: str = "") -> CutoverError:
        """Build the error from a single finding."""
        return cls(Finding(code, subject, detail, mend))


class ConfigurationError(CutoverError):
    """The configuration, the call or the source's shape is wrong; nothing was applied."""

    exit_code = 2


class InputRefused(ConfigurationError):
    """An input file or a decision (approval, signature, correction) was refused as a whole."""


class GateClosed(CutoverError):
    """Findings that block, a failed sample, a quarantined result or a rejection."""

    exit_code = 3


class Waiting(CutoverError):
    """A result, an approval, a correction or a signature is awaited; running again goes on.

    `until`: when what is awaited can be there at the earliest, where that is known.
    """

    exit_code = 4

    def __init__(self, *reasons: Finding, until: datetime | None = None) -> None:
        self.until = until
        super().__init__(*reasons)


class OutcomeUnknown(CutoverError):
    """What the bank did is not known: ask, never repeat."""

    exit_code = 5


class CouldNotCheck(CutoverError):
    """A check could not be made; that counts as failure."""

    exit_code = 5


class TransientError(CutoverError):
    """A passing fault: again, with the same key."""


class StaleFence(TransientError):
    """Another run has taken over since this one began."""
