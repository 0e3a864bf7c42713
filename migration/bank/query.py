"""The query channel's messages: JSON over HTTPS, signed both ways (bank-interface.md section 7).

Only questions go this way. They change nothing at the bank, so a lost answer is asked for again, with a number of its own;
what cannot be believed is never retried into belief.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx
import tenacity

from migration.bank.names import day
from migration.bank.signing import SIGN, signed_text
from migration.domain.errors import ConfigurationError, CouldNotCheck, CutoverError, TransientError, Waiting
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from migration.bank.signing import Checker, Signer
    from migration.domain.ports import Clock

DONE: Final = "00000000"
REPEATED: Final = "JX900014"
TOO_OFTEN: Final = "JX900032"
DAY_CUT: Final = "CA90"
NOT_KNOWN: Final = frozenset({"CT9903", "CT990300", "CE999999", "CE999028", "510000"})
"""The bank cannot say: for a question, ask again."""

ECHOED: Final = ("version", "txCode", "instCode", "bankCode", "txDate", "txTime", "seqNo", "channel")
LARGEST: Final = 4_000_000
"""Bytes of a reply."""
BANK_TIME: Final = timedelta(hours=8)  # the bank's clock runs on China Standard Time
OK_STATUS: Final = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the header's constant fields."""

    inst_code: str
    bank_code: str
    channel: str = "000001"
    version: str = "10"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often. Seconds; `timeout_s` bounds every step and the whole of one answer."""

    timeout_s: float = 15.0
    tries: int = 5
    pause_s: float = 1.0


class _AskAgain(Exception):
    """Not answered; `lasting` is what it becomes when the tries are used up."""

    def __init__(self, lasting: CutoverError) -> None:
        self.lasting = lasting


@dataclass(frozen=True, slots=True)
class Reply:
    """A believed reply: `fields` parsed, `text` as it came, on one line."""

    fields: Mapping[str, Any]
    text: bytes

    @property
    def about(self) -> str:
        """The question it answers."""
        return str(self.fields.get("txCode"))

    def get(self, name: str) -> str:
        """One field; CouldNotCheck(QUERY_REPLY) when it is missing or no text."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise unreadable(self.about, f"field {name} is missing")
        return value

    def rows(self, name: str) -> list[Reply]:
        """A list of objects."""
        value = self.fields.get(name)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise unreadable(self.about, f"field {name} is no list of objects")
        return [Reply({"txCode": self.about, **each}, b"") for each in value]


class QueryClient:
    """Asks one question at a time over a kept connection.

    `numbers` gives the next seqNo. CouldNotCheck: QUERY_TLS, QUERY_SIGNATURE, QUERY_REPLAYED, QUERY_REPLY, QUERY_REFUSED.
    Waiting: QUERY_DAY_CUT. TransientError: QUERY_UNAVAILABLE, QUERY_RATE.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        signer: Signer,
        checker: Checker,
        clock: Clock,
        numbers: Callable[[], int],
        business_date: date,
        trust: ssl.SSLContext,
        patience: Patience | None = None,
    ) -> None:
        self._url, self._identity, self._signer, self._checker = url, identity, signer, checker
        self._clock, self._numbers, self._date = clock, numbers, business_date
        self._patience = patience or Patience()
        self._http = httpx.Client(verify=trust, timeout=self._patience.timeout_s, trust_env=False)

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def ask(self, tx_code: str, body: Mapping[str, str]) -> Reply:
        """The reply to a question. What is asked for by key must stand in the reply as it was asked."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._patience.tries),
            wait=tenacity.wait_exponential(multiplier=self._patience.pause_s, max=30),
            retry=tenacity.retry_if_exception_type(_AskAgain),
            sleep=self._clock.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, tx_code, body)
        except _AskAgain as again:
            raise again.lasting from again

    def _once(self, tx_code: str, body: Mapping[str, str]) -> Reply:
        message = self._message(tx_code, body)
        reply = self._believed(self._post(tx_code, message), message, tx_code)
        code = reply.get("retCode")
        if code == DONE:
            for name, value in body.items():
                if reply.fields.get(name) != value:
                    raise _replayed(tx_code, name)
            return reply
        if code == DAY_CUT or code.startswith(DAY_CUT):
            mend = "run again when the bank's day cut is over"
            raise Waiting(Finding("QUERY_DAY_CUT", tx_code, "the bank's day cut is in progress", mend))
        if code == TOO_OFTEN:
            raise _AskAgain(TransientError(Finding("QUERY_RATE", tx_code, "the bank wants to be asked less often")))
        if code == REPEATED or code in NOT_KNOWN:
            raise _AskAgain(_unavailable(tx_code, f"the bank answered {code}"))
        raise CouldNotCheck(Finding("QUERY_REFUSED", tx_code, f"the bank answered {code[:8]!a}", "ask the bank"))

    def _message(self, tx_code: str, body: Mapping[str, str]) -> dict[str, str]:
        header = {
            "version": self._identity.version,
            "txCode": tx_code,
            "instCode": self._identity.inst_code,
            "bankCode": self._identity.bank_code,
            "txDate": day(self._date),
            "txTime": (self._clock.now() + BANK_TIME).strftime("%H%M%S"),
            "seqNo": f"{self._numbers():06d}",
            "channel": self._identity.channel,
        }
        message = {**header, **body}
        return {**message, SIGN: self._signer.sign(signed_text(message))}

    def _post(self, tx_code: str, message: Mapping[str, str]) -> bytes:
        """The bytes of an answer with status 200, within the time for the whole of it."""
        deadline = time.monotonic() + self._patience.timeout_s
        content = bytearray()
        try:
            with self._http.stream("POST", self._url, json=message) as response:
                if response.status_code != OK_STATUS:
                    raise _AskAgain(_unavailable(tx_code, f"HTTP status {response.status_code}"))
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > LARGEST:
                        raise unreadable(tx_code, "is too large")
                    if time.monotonic() > deadline:
                        raise _AskAgain(_unavailable(tx_code, "the answer came too slowly"))
        except httpx.HTTPError as fault:
            if _is_tls(fault):
                mend = "look at the certificate with the bank; never switch the check off"
                raise CouldNotCheck(
                    Finding("QUERY_TLS", tx_code, "the server's certificate is not the trusted one", mend)
                ) from None
            raise _AskAgain(_unavailable(tx_code, type(fault).__name__)) from None
        return bytes(content)

    def _believed(self, content: bytes, asked: Mapping[str, str], tx_code: str) -> Reply:
        """Signed by the bank's key, and the answer to this very question."""
        try:
            fields = json.loads(content, object_pairs_hook=_once_each)
            text = signed_text(fields)
            signature = fields[SIGN]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise unreadable(tx_code, "is no signed JSON message") from None
        if not isinstance(signature, str) or not self._checker.holds(text, signature):
            mend = "the bank's key has changed, or somebody else answered: ask the bank before anything else"
            raise CouldNotCheck(
                Finding("QUERY_SIGNATURE", tx_code, "the reply is not signed with the bank's key", mend)
            )
        for name in ECHOED:
            if fields.get(name) != asked[name]:
                raise _replayed(tx_code, name)
        return Reply(fields, json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a field stands twice"
        raise ValueError(msg)
    return found


def _is_tls(fault: BaseException | None) -> bool:
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError) or "certificate verify failed" in str(fault):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def _unavailable(tx_code: str, why: str) -> TransientError:
    return TransientError(Finding("QUERY_UNAVAILABLE", tx_code, why, "run again later; asking changes nothing"))


def _replayed(tx_code: str, name: str) -> CouldNotCheck:
    mend = "an old answer, or another's: ask the bank"
    return CouldNotCheck(Finding("QUERY_REPLAYED", tx_code, f"field {name} is not that of the question", mend))


def unreadable(tx_code: str, why: str) -> CouldNotCheck:
    """Build the error of a reply that is signed and says something impossible, or that cannot be read."""
    return CouldNotCheck(Finding("QUERY_REPLY", tx_code, f"the reply {why}", "send the bank the time of the question"))


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that trusts this certificate alone (the bank's own or its issuer's); without one, the system's.

    ConfigurationError(QUERY_KEY) when the file holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as fault:  # SSLError is one
        why = f"cannot be read as certificates ({type(fault).__name__})"
        raise ConfigurationError(Finding("QUERY_KEY", "bank.query_ca_file", why, "docs/configuration.md")) from fault
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
