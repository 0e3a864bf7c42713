"""What the verifier is given and what it says: plain values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from migration.verification.windows import Rows


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One file exchange as recorded. `request` and `result` read the raw bytes when they are wanted; b"" for none."""

    business_date: date
    batch_no: str
    stage: str
    round: int
    kind: str  # person | company | listing | debt | authorisation
    sample: bool
    part: int
    rows: int
    sum_fen: int
    state: str
    request_name: str
    request_sha256: str
    result_name: str
    result_sha256: str
    request: Callable[[], bytes] = field(repr=False)
    result: Callable[[], bytes] = field(repr=False)
    inquiries: Callable[[], Sequence[tuple[bytes, bytes]]] = field(
        default=tuple, repr=False
    )  # records, replies as they came

    @property
    def name(self) -> str:
        """How findings name it: date/number."""
        return f"{self.business_date.isoformat()}/{self.batch_no}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both sides and the claim.

    Debts and schedules may be streams on both sides (windows.Stream), users of the claim may not.
    `snapshot`: the legacy entities as they were read (contract.md section 2, money in fen), *without* corrections.
    `corrections`: user_id, field, new, seq. `issues`: entity, key, column, code of cells that could not be read.
    `signed`: entity, key, code of every signed exception. `claim`: the exports (contract.md section 4) as the product
    would hand them out. `balance`: the content of balance.json. `final`: nothing may be left open (from `residual` on).
    """

    profile: str  # of the bank: whose reader reads the files
    business_date: date
    overdue_policy: str
    account_pattern: str  # regular expression of a full custody account number
    snapshot: Mapping[str, Rows]
    corrections: pa.Table
    issues: pa.Table
    signed: pa.Table
    exchanged: tuple[Exchanged, ...]
    claim: Mapping[str, Rows]
    balance: Mapping[str, object]
    final: bool
    carry_authorisations: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: a stable code, the key it concerns, what was seen. Never personal data."""

    code: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found. `rows` says how many rows it looked at; `failures` counts all, `findings` names the first."""

    name: str
    title_zh: str
    title_en: str
    seen: str
    not_seen: str
    not_seen_zh: str
    rows: int
    failures: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted corruption: which kind, how many checks had to see it, which did not."""

    name: str
    title_zh: str
    title_en: str
    planted: bool  # False: no row of this cutover could carry it
    unseen: tuple[str, ...] = ()  # checks that had to see it and did not, or others that saw too much


@dataclass(frozen=True, slots=True)
class Verification:
    """The whole answer."""

    checks: tuple[Check, ...]
    plants: tuple[Plant, ...]
    final: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that closes the gate; first of all a verifier that cannot see."""
        blind = [
            Finding("VERIFIER_BLIND", plant.name, f"not seen as planted: {', '.join(plant.unseen)}")
            for plant in self.plants
            if plant.unseen
        ]
        return (*blind, *(finding for check in self.checks for finding in check.findings))

    @property
    def differences(self) -> int:
        """All failures of all checks."""
        return sum(check.failures for check in self.checks)

    @property
    def planted_unseen(self) -> int:
        """Planted corruptions that were not found exactly."""
        return sum(1 for plant in self.plants if plant.unseen)

    def as_json(self) -> dict[str, object]:
        """Codes, keys and counts; no personal data."""
        return {
            "differences": self.differences,
            "planted": sum(plant.planted for plant in self.plants),
            "planted_unseen": self.planted_unseen,
            "final": self.final,
            "checks": [
                {
                    "name": check.name,
                    "title_zh": check.title_zh,
                    "title_en": check.title_en,
                    "seen": check.seen,
                    "not_seen_zh": check.not_seen_zh,
                    "not_seen_en": check.not_seen,
                    "rows": check.rows,
                    "failures": check.failures,
                    "findings": [{"code": f.code, "subject": f.subject, "detail": f.detail} for f in check.findings],
                }
                for check in self.checks
            ],
            "plants": [
                {
                    "name": plant.name,
                    "title_zh": plant.title_zh,
                    "title_en": plant.title_en,
                    "planted": plant.planted,
                    "unseen": list(plant.unseen),
                }
                for plant in self.plants
            ],
        }
