"""Who cannot be sent: the tests that make a user count as refused before the bank has seen him.

The order of test is domain.md "Cohorts" item 4; the earliest that fails is the reason. Names within one ID and phones
shared by different IDs need the merged identities, so they come last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import identity
from migration.domain.checksums import IdCards, check_id_cards, valid_org_codes, valid_usccs
from migration.domain.columns import Mask, equals, flat, is_null, lookup
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from migration.domain.values import FileLimits

LOCAL: Final = (
    "UNVERIFIED",
    "UNSUPPORTED_ID",
    "NAME_UNENCODABLE",
    "FIELD_INVALID",
    "UNDERAGE",
    "NAME_CONFLICT",
    "PHONE_SHARED",
)
RANK: Final = {code: rank for rank, code in enumerate(LOCAL)}
PASSED: Final = len(LOCAL)
_ALL: Final = "users"  # the subject of the line that counts what is not listed
CAP: Final = 100  # findings listed by code; the rest is counted

Ranks = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Tidy:
    """Users as they would be sent, row for row: normalised columns and what the ID numbers say."""

    source: pa.Table  # SNAPSHOT["users"]
    id_type: pa.Array  # id_card_15 has become id_card
    id_no: pa.Array
    phone: pa.Array
    sex: pa.Array  # persons: from the 17th digit where the number is valid; NULL for all others
    email: pa.Array
    corporate_account: pa.Array  # companies only
    person: Mask
    company: Mask
    platform: Mask
    cards: IdCards
    email_dropped: Mask
    sex_differs: Mask

    @classmethod
    def of(cls, users: pa.Table, limits: FileLimits) -> Tidy:
        """Normalise a users table."""
        nothing = pa.scalar(None, pa.string())
        kind, id_type = flat(users["kind"]), flat(users["id_type"])
        person, company = equals(kind, "person"), equals(kind, "company")
        id_no = identity.normalise_ids(flat(users["id_no"]), id_type)
        cards = check_id_cards(id_no)
        card = person & equals(id_type, *identity.ID_CARDS) & cards.valid
        stored, stated = flat(users["sex"]), pc.if_else(pa.array(cards.male), "M", "F")
        email, dropped = identity.carried_emails(flat(users["email"]), limits.encoding, limits.email_bytes)
        return cls(
            source=users,
            id_type=pc.if_else(pa.array(equals(id_type, *identity.ID_CARDS)), "id_card", id_type),
            id_no=id_no,
            phone=identity.normalise_phones(flat(users["phone"])),
            sex=pc.if_else(pa.array(card), stated, nothing),
            email=email,
            corporate_account=pc.if_else(pa.array(company), flat(users["corporate_account"]), nothing),
            person=person,
            company=company,
            platform=equals(kind, "platform"),
            cards=cards,
            email_dropped=dropped,
            sex_differs=card & ~is_null(stored) & (cards.male != equals(stored, "M")),
        )

    def columns(self) -> dict[str, pa.Array]:
        """Name what would be sent about each user, by column."""
        normalised = ("id_type", "id_no", "phone", "sex", "email", "corporate_account")
        stored = {name: flat(self.source[name]) for name in ("kind", "name")}
        return stored | {name: getattr(self, name) for name in normalised}


def own_tests(tidy: Tidy, date_lost: Mask, limits: FileLimits, business_date: date) -> Ranks:
    """Rank the first test that a user fails by himself; PASSED where none.

    `date_lost`: a date that decides about him was impossible at the source (H27). He is not UNVERIFIED then: we do not
    know.
    """
    name = flat(tidy.source["name"])
    by_code = {
        "UNVERIFIED": is_null(tidy.source["verified_at"]) & ~date_lost,
        "UNSUPPORTED_ID": equals(tidy.id_type, "permit", "passport"),
        "NAME_UNENCODABLE": identity.unencodable(name, limits.encoding, limits.name_bytes),
        "FIELD_INVALID": date_lost
        | ~identity.valid_user_ids(flat(tidy.source["user_id"]), limits.user_id_chars)
        | identity.malformed(name, limits.encoding, limits.name_bytes)
        | ~_valid_id(tidy, business_date)
        | ~identity.valid_phones(tidy.phone)
        | _account_missing(tidy, limits),
        "UNDERAGE": tidy.person & tidy.cards.under_18(business_date),
    }
    ranks = np.full(len(name), PASSED, np.int8)
    for code, holds in by_code.items():
        ranks = earlier(ranks, code, holds)
    return ranks


def earlier(ranks: Ranks, code: str, holds: Mask) -> Ranks:
    """Put a code where its test failed and no earlier one had."""
    return np.where(holds & (ranks > RANK[code]), np.int8(RANK[code]), ranks)


def _valid_id(tidy: Tidy, business_date: date) -> Mask:
    card = tidy.person & equals(tidy.id_type, "id_card") & tidy.cards.valid & ~tidy.cards.born_after(business_date)
    uscc = tidy.company & equals(tidy.id_type, "uscc") & valid_usccs(tidy.id_no)
    org_code = tidy.company & equals(tidy.id_type, "org_code") & valid_org_codes(tidy.id_no)
    return np.asarray(card | uscc | org_code, np.bool_)


def _account_missing(tidy: Tidy, limits: FileLimits) -> Mask:
    """Companies without a corporate account that the file can carry (H14)."""
    rest = (limits.encoding, limits.corporate_account_bytes)
    account = tidy.corporate_account
    return tidy.company & (identity.malformed(account, *rest) | identity.unencodable(account, *rest))


def phone_shared(phones: pa.Array, among: Mask) -> Mask:
    """Users, among those, whose normalised phone is also another's (H2)."""
    chosen = phones.filter(pa.array(among))
    counts = pc.value_counts(chosen)
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return among & (lookup(phones, several) >= 0)


def warnings(tidy: Tidy, sent: Mask, dates_unused: Mask) -> tuple[Finding, ...]:
    """List what is odd about users who are sent nevertheless, and impossible dates that decide nothing."""
    ids = flat(tidy.source["user_id"])
    odd = tidy.person & ~tidy.cards.region_known
    return (
        *_listed(
            "EMAIL_DROPPED", ids, sent & tidy.email_dropped, "the address does not fit the bank's file, sent blank"
        ),
        *_listed(
            "SEX_DIFFERS", ids, sent & tidy.sex_differs, "the stored sex differs from the 17th digit, which is sent"
        ),
        *_listed("ID_REGION_UNKNOWN", ids, sent & odd, "the ID's first two digits are no province known today"),
        *_listed(
            "DATE_UNUSED", ids, dates_unused, "an impossible date at the source, in a column that decides nothing"
        ),
    )


def tally(findings: Iterable[Finding]) -> dict[str, tuple[int, list[str]]]:
    """Code -> how many there are, and the subjects that are listed."""
    counts: dict[str, int] = {}
    keys: dict[str, list[str]] = {}
    for finding in findings:
        named = keys.setdefault(finding.code, [])
        if finding.subject == _ALL:
            counts[finding.code] = int(finding.detail.partition(" ")[0])
        else:
            named.append(finding.subject)
    return {code: (counts.get(code, len(named)), named) for code, named in sorted(keys.items())}


def _listed(code: str, ids: pa.Array, where: Mask, detail: str) -> list[Finding]:
    keys = ids.filter(pa.array(where))
    findings = [Finding(code, f"users/{key}", detail) for key in keys.slice(0, CAP).to_pylist()]
    if len(keys) > CAP:
        findings.append(Finding(code, _ALL, f"{len(keys)} in all, the first {CAP} are listed"))
    return findings
