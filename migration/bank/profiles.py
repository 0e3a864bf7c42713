"""The banks this program can talk to, by the name in `bank.profile`. docs/bank-adapter.md: how to add another one."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import entry_points
from itertools import chain
from typing import TYPE_CHECKING, Final, NoReturn, cast

from migration.bank.answer_words import JX
from migration.bank.asking import JxInquiries
from migration.bank.balances import JxBalances
from migration.bank.daily import JxDaily
from migration.bank.profile import JxProfile
from migration.bank.query import Identity, Patience, QueryClient, trusting
from migration.bank.repayments import JxRepayments
from migration.bank.signing import load_checker, load_signer
from migration.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    import pyarrow as pa

    from migration.domain.ports import Balances, Bank, Clock, DailyFormat, Inquiries, RepaymentFormat
    from migration.domain.wording import Pair
    from migration.sections import Bank as Settings


GROUP: Final = "cutover.banks"
"""Entry points of profiles that come with another package: name = module:what makes the adapter."""


class NoDaily:
    """A bank that sends no daily files."""

    def names(self, on: date) -> NoReturn:
        """ConfigurationError: there is nothing to reconcile a day with."""
        raise ConfigurationError.of(
            "CONFIG_VALUE",
            "bank.profile",
            f"no daily files of this bank, on {on.isoformat()} or any day",
            "docs/bank-adapter.md",
        )

    def read(self, what: str, content: bytes, on: date) -> NoReturn:  # noqa: ARG002 - the port's verb
        """As `names`."""
        self.names(on)


class NoRepayments:
    """A bank without repayment files: no settlement drill."""

    def names(self, batch_no: str, business_date: date) -> NoReturn:  # noqa: ARG002 - the port's verb
        """ConfigurationError: the drill has nothing to go by."""
        raise ConfigurationError.of(
            "CONFIG_VALUE",
            "bank.profile",
            "no repayment files of this bank: no settlement drill",
            "docs/bank-adapter.md",
        )

    def encode(self, orders: pa.Table, batch_no: str, business_date: date) -> NoReturn:  # noqa: ARG002 - the port's verb
        """As `names`."""
        self.names(batch_no, business_date)

    def check(self, request: bytes, answer: bytes, batch_no: str, business_date: date) -> NoReturn:  # noqa: ARG002
        """As `names`."""
        self.names(batch_no, business_date)


class NoBalances:
    """A bank that is not asked for balances."""

    def balance_fen(self, account_no: str) -> None:
        """None: not known."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A bank behind the ports. `inquiries`: None without a query channel."""

    bank: Bank
    inquiries: Inquiries | None
    close: Callable[[], None] = lambda: None
    daily: DailyFormat = field(default_factory=NoDaily)
    repayments: RepaymentFormat = field(default_factory=NoRepayments)
    balances: Balances = field(default_factory=NoBalances)
    answers: Mapping[tuple[str, str], Pair] = field(default_factory=dict)
    """What its answers mean: (entity, code) -> (Chinese, English)."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an adapter is given beside its section of the configuration. `draw`: unused message numbers (0 to 999,999)."""

    clock: Clock
    business_date: date
    draw: Callable[[], range]

    def numbers(self) -> Iterator[int]:
        """Message numbers, one after the other; drawn when they are wanted."""
        return chain.from_iterable(iter(self.draw, range(0)))


def _jx(settings: Settings, around: Surroundings) -> Adapter:
    bank = JxProfile(
        product=settings.product,
        institution=settings.institution,
        issuer=settings.issuer,
        line_ending=settings.line_ending,
        rows_per_file=settings.rows_per_file,
    )
    daily = JxDaily(settings.product)
    repayments = JxRepayments(settings.institution, line_ending=settings.line_ending)
    if not settings.query_url:
        return Adapter(bank, None, daily=daily, repayments=repayments, answers=JX)
    client = _client(settings, around)
    return Adapter(bank, JxInquiries(bank, client), client.close, daily, repayments, JxBalances(client), JX)


def _client(settings: Settings, around: Surroundings) -> QueryClient:
    key, certificate = settings.query_key_file, settings.query_bank_certificate
    if key is None or certificate is None:
        raise ConfigurationError.of("CONFIG_REQUIRED", "bank.query_key_file", "not set", "docs/configuration.md")
    numbers = around.numbers()
    return QueryClient(
        url=settings.query_url,
        identity=Identity(settings.query_inst_code, settings.query_bank_code, settings.query_channel),
        signer=load_signer(settings.query_signature, key, settings.query_key_password),
        checker=load_checker(settings.query_signature, certificate),
        clock=around.clock,
        numbers=lambda: next(numbers),
        business_date=around.business_date,
        trust=trusting(settings.query_ca_file),
        patience=Patience(float(settings.query_timeout_s), settings.query_tries),
    )


PROFILES: dict[str, Callable[[Settings, Surroundings], Adapter]] = {"jx": _jx}
"""Name -> what makes the adapter, for those that are part of this program."""


def open_bank(settings: Settings, around: Surroundings) -> Adapter:
    """The configured bank. ConfigurationError: CONFIG_VALUE (no such profile), QUERY_KEY."""
    return _maker(settings.profile)(settings, around)


def _maker(name: str) -> Callable[[Settings, Surroundings], Adapter]:
    if name in PROFILES:
        return PROFILES[name]
    added = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in added:
        known = ", ".join(sorted({*PROFILES, *added}))
        raise ConfigurationError.of("CONFIG_VALUE", "bank.profile", "no such profile", f"one of {known}")
    return cast("Callable[[Settings, Surroundings], Adapter]", added[name].load())
