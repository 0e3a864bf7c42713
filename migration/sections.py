"""The sections of `cutover.toml`: keys, types, defaults and what is allowed (contract.md section 1).

`migration.settings` reads them; nothing here touches a file or the environment. Money is fen, fractions are Decimal,
paths are relative to the current folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from migration.domain.tables import ENUMERATIONS
from migration.domain.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Mapping

Criterion = Literal["election", "party_to_listing", "receivable", "balance", "last_active", "registered", "user_id"]
KEEP_ACCOUNT: Final[tuple[Criterion, ...]] = (
    "election",
    "party_to_listing",
    "receivable",
    "balance",
    "last_active",
    "registered",
    "user_id",
)
_OUTSIDE_DIGEST: Final = frozenset(
    [
        "store",
        "withdrawals",
        "cutover.business_date",
        "cutover.workspace",
        "cutover.language",
        "cutover.figures",
        "legacy.url",
        "bank.transport",
        "bank.directory",
        "bank.host",
        "bank.port",
        "bank.username",
        "bank.key_file",
        "bank.known_host_key",
        "bank.out_path",
        "bank.in_path",
        "bank.query_url",
        "bank.query_key_file",
        "bank.query_key_password",
        "bank.query_bank_certificate",
        "bank.query_ca_file",
        "bank.query_signature",
        "bank.query_inst_code",
        "bank.query_bank_code",
        "bank.query_channel",
        "bank.query_timeout_s",
        "bank.query_tries",
        "bank.result_timeout_s",
        "bank.windows",
        "bank.window_minutes",
        "bank.window_prepare_minutes",
    ]
)
"""Sections and keys that decide where and how, not which data. The snapshot's own digest binds what was read."""

_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "directory": ("directory",),
    "sftp": ("host", "username", "key_file", "known_host_key"),
}
"""Transport -> the keys of [bank] it cannot do without."""

_ASKING: Final = ("query_key_file", "query_bank_certificate", "query_inst_code", "query_bank_code")
"""Keys of [bank] that the query channel cannot do without."""

NEEDS: Final = "cutover_needs"
REFUSED: Final = "cutover_refused"
"""Our own kinds of pydantic error; both name their key in the context."""


# --- types of values -------------------------------------------------------------------------------------------------


def _day(value: object) -> object:
    """TOML has dates of its own; the contract writes them as text."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return date.fromisoformat(value)
    return value


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value else value


def _decimal(value: object) -> object:
    return Decimal(value) if type(value) is int else value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _tuple(value: object) -> object:
    """Make tuples of lists: settings do not change."""
    return tuple(value) if isinstance(value, list) else value


Day = Annotated[date, BeforeValidator(_day)]
Place = Annotated[Path, BeforeValidator(_path)]
Fraction = Annotated[Decimal, BeforeValidator(_decimal)]
T = TypeVar("T")
Optional = Annotated[T | None, BeforeValidator(_empty_is_none)]

Word = Annotated[str, Field(min_length=1)]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z]+$")]
Account = Annotated[str, Field(pattern=r"^[0-9]+$")]
Fen = Annotated[int, Field(ge=0)]


# --- the sections ----------------------------------------------------------------------------------------------------


class Section(BaseModel):
    """A section: frozen, without unknown keys, without conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cutover(Section):
    """[cutover] One cutover; every journal row, batch number and digest hangs on `id`."""

    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]
    kind: Literal["rehearsal", "production"] = "rehearsal"
    business_date: Day
    workspace: Place = Path("var/cutover")
    language: Literal["zh", "en"] = "zh"
    figures: Optional[Place] = None


class Legacy(Section):
    """[legacy] `entities` maps an entity to the SELECT that replaces the default one.

    `values`: entity -> column -> code in the source -> word of the contract ("" stands for NULL on either side).
    `formats`: entity -> column -> how the column is written (docs/mapping.md lists them).
    """

    url: Annotated[Word, Field(repr=False)]
    money_unit: Literal["yuan", "fen"] = "yuan"
    entities: dict[str, Word] = Field(default={}, repr=False)
    values: dict[str, dict[str, dict[str, str]]] = {}
    formats: dict[str, dict[str, Word]] = {}

    @model_validator(mode="after")
    def _mapped(self) -> Legacy:
        """A word the contract does not know would close preflight only after everything was read."""
        for entity, columns in self.values.items():
            for column, codes in columns.items():
                allowed = ENUMERATIONS.get((entity, column), frozenset())
                wrong = sorted(word for word in codes.values() if allowed and word and word not in allowed)
                if wrong:
                    raise PydanticCustomError(
                        REFUSED,
                        "{word} is no word of the contract; expected {allowed}",
                        {"key": f"values.{entity}.{column}", "word": wrong[0], "allowed": " | ".join(sorted(allowed))},
                    )
        return self


class Store(Section):
    """[store] The journal's PostgreSQL; None = embedded under the workspace."""

    url: Annotated[Optional[str], Field(repr=False)] = None


class Bank(Section):
    """[bank] Parameters of the bank profile and of the wire. Widths and codes are the profile's to check."""

    profile: Annotated[str, Field(pattern=r"^[a-z][0-9a-z_]*$")] = "jx"
    product: Code
    institution: Code
    issuer: Code
    fee_account: Account
    red_packet_account: Account
    master_account: Account
    rows_per_file: Annotated[int, Field(ge=1)] = 9_999
    line_ending: Literal["lf", "crlf"] = "lf"
    transport: Literal["directory", "sftp"] = "directory"
    directory: Optional[Place] = None
    host: str = ""
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    username: str = ""
    key_file: Optional[Place] = None
    known_host_key: str = ""
    out_path: str = "out"
    in_path: str = "in"
    query_url: Annotated[str, Field(repr=False, pattern=r"^(https://\S+)?$")] = ""
    query_key_file: Optional[Place] = None
    query_key_password: Annotated[str, Field(repr=False)] = ""
    query_bank_certificate: Optional[Place] = None
    query_ca_file: Optional[Place] = None
    query_signature: Literal["rsa-sha256", "rsa-sha1", "sm2"] = "rsa-sha256"
    query_inst_code: Annotated[str, Field(pattern=r"^([0-9A-Za-z]{8})?$")] = ""
    query_bank_code: Annotated[str, Field(pattern=r"^([0-9A-Za-z]{8})?$")] = ""
    query_channel: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{6}$")] = "000001"
    query_timeout_s: Annotated[int, Field(ge=1)] = 15
    query_tries: Annotated[int, Field(ge=1, le=100)] = 5
    finality_s: Annotated[int, Field(ge=0)] = 43_200
    ask_again_s: Annotated[int, Field(ge=0)] = 600
    result_timeout_s: Annotated[int, Field(ge=0)] = 3_600
    windows: str = ""
    window_minutes: Annotated[int, Field(ge=1, le=1_440)] = 120
    window_prepare_minutes: Annotated[int, Field(ge=0, le=1_440)] = 30

    @field_validator("windows")
    @classmethod
    def _span(cls, value: str) -> str:
        Windows.parse(value, 1, 0)
        return value

    @model_validator(mode="after")
    def _wired(self) -> Bank:
        for key in _NEEDED[self.transport]:
            if not getattr(self, key):
                raise PydanticCustomError(
                    NEEDS, "it is needed when transport = {transport}", {"key": key, "transport": self.transport}
                )
        for key in _ASKING if self.query_url else ():
            if not getattr(self, key):
                raise PydanticCustomError(NEEDS, "it is needed when query_url is set", {"key": key})
        return self


class Policy(Section):
    """[policy] Decisions of the business."""

    keep_account: Annotated[tuple[Criterion, ...], BeforeValidator(_tuple), Field(min_length=1)] = KEEP_ACCOUNT
    overdue: Literal["signed_exception", "extend_with_consent", "repaid_by_guarantor"] = "signed_exception"
    late_change: Literal["stop", "delta"] = "stop"
    in_flight: Literal["count", "zero"] = "count"
    carry_authorisations: bool = False
    require_approvals: Annotated[int, Field(ge=1)] = 2

    @model_validator(mode="after")
    def _no_repeats(self) -> Policy:
        if len(set(self.keep_account)) < len(self.keep_account):
            raise PydanticCustomError(REFUSED, "each criterion may stand only once", {"key": "keep_account"})
        return self


class Sampling(Section):
    """[sampling] Exact fractions; `seed` enters the hashes that order the items."""

    confidence: Annotated[Fraction, Field(gt=0, lt=1)] = Decimal("0.95")
    defect_rate: Annotated[Fraction, Field(ge=0, le=1)] = Decimal("0.01")
    seed: int = 20_171_118


class Withdrawals(Section):
    """[withdrawals] Fees and caps in fen; `fee_rate` is a fraction of the whole amount."""

    free_per_month: Annotated[int, Field(ge=0)] = 1
    fee_flat_fen: Fen = 300
    fee_flat_limit_fen: Fen = 100_000
    fee_rate: Annotated[Fraction, Field(ge=0, lt=1)] = Decimal("0.003")
    daily_cap_fen: Fen = 0
    sunset: Optional[Day] = None
    issuer: str = ""
    audience: str = ""
    public_key_file: Optional[Place] = None
    escrow_url: str = ""
    finality_h: Annotated[int, Field(ge=1)] = 24


class Settings(Section):
    """The whole configuration."""

    cutover: Cutover
    legacy: Legacy
    store: Store = Store()
    bank: Bank
    policy: Policy = Policy()
    sampling: Sampling = Sampling()
    withdrawals: Withdrawals = Withdrawals()

    def digest(self) -> str:
        """SHA-256 (hex) over the keys that decide data: approvals are bound to it."""
        facts = {name: value for name, value in flat(self.model_dump()) if not _outside(name)}
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False, default=_canonical, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested tables to dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            found += flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _outside(name: str) -> bool:
    return name in _OUTSIDE_DIGEST or name.partition(".")[0] in _OUTSIDE_DIGEST


def _canonical(value: object) -> str:
    """Write 0.010 and 0.01 alike, paths and dates as text."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value)
