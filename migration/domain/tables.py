"""The Arrow schemas that travel between the rooms: one place for every column's name, type and unit.

Money is int64 fen. Rates are text as the source wrote them, in percent a year (12.5 = 12.5 %). Dates are date32,
instants timestamp[us] without zone (local time of the platform). Keys are text.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

TEXT: Final = pa.string()
FEN: Final = pa.int64()
INSTANT: Final = pa.timestamp("us")
DATE: Final = pa.date32()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


# --- the snapshot: contract.md section 2, after parsing -------------------------------------------------------------
# A cell that could not be parsed is NULL here and stands in ISSUES with its key, column and code.

SNAPSHOT: Final[dict[str, pa.Schema]] = {
    "users": _schema(
        user_id=TEXT,
        kind=TEXT,
        name=TEXT,
        id_type=TEXT,
        id_no=TEXT,
        sex=TEXT,
        phone=TEXT,
        email=TEXT,
        corporate_account=TEXT,
        verified_at=INSTANT,
        status=TEXT,
        registered_at=INSTANT,
        last_active_at=INSTANT,
    ),
    "escrow_accounts": _schema(
        escrow_id=TEXT, user_id=TEXT, available=FEN, frozen=FEN, bound_card=TEXT, bound_bank=TEXT
    ),
    "elections": _schema(id_no=TEXT, user_id=TEXT, elected_at=INSTANT),
    "listings": _schema(
        listing_id=TEXT,
        borrower_id=TEXT,
        guarantor_id=TEXT,
        payee_id=TEXT,
        nominal_borrower_id=TEXT,
        title=TEXT,
        amount=FEN,
        annual_rate=TEXT,
        repayment_method=TEXT,
        term_days=pa.int64(),
        interest_day=pa.int64(),
        value_date=DATE,
        maturity_date=DATE,
        status=TEXT,
    ),
    "schedules": _schema(
        listing_id=TEXT,
        period=pa.int64(),
        due_date=DATE,
        principal=FEN,
        interest=FEN,
        principal_paid=FEN,
        interest_paid=FEN,
    ),
    "debts": _schema(
        debt_id=TEXT,
        listing_id=TEXT,
        lender_id=TEXT,
        principal=FEN,
        interest=FEN,
        bonus_interest=FEN,
        acquired_on=DATE,
        origin=TEXT,
        status=TEXT,
    ),
    "extensions": _schema(listing_id=TEXT, new_maturity_date=DATE, consented_at=INSTANT),
    "authorisations": _schema(serial=TEXT, user_id=TEXT, kind=TEXT, granted_at=INSTANT),
    "in_flight": _schema(id=TEXT, kind=TEXT, user_id=TEXT, amount=FEN, created_at=INSTANT),
}
"""Entity -> schema, as stored in the snapshot; rows sorted by KEYS[entity] as UTF-8 bytes (period as a number)."""

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "users": ("user_id",),
    "escrow_accounts": ("escrow_id",),
    "elections": ("id_no", "user_id", "elected_at"),
    "listings": ("listing_id",),
    "schedules": ("listing_id", "period"),
    "debts": ("debt_id",),
    "extensions": ("listing_id",),
    "authorisations": ("serial",),
    "in_flight": ("id",),
}
REQUIRED_ENTITIES: Final = ("users", "escrow_accounts", "listings", "schedules", "debts")
NULLABLE: Final[dict[str, frozenset[str]]] = {
    "users": frozenset({"sex", "email", "corporate_account", "verified_at", "last_active_at"}),
    "escrow_accounts": frozenset({"bound_card", "bound_bank"}),
    "listings": frozenset({"guarantor_id", "payee_id", "nominal_borrower_id", "interest_day"}),
}
"""Columns marked `?` in contract.md section 2: may be NULL, and may be missing from the source altogether."""

ENUMERATIONS: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("users", "kind"): frozenset({"person", "company", "platform"}),
    ("users", "id_type"): frozenset({"id_card", "id_card_15", "uscc", "org_code", "permit", "passport"}),
    ("users", "sex"): frozenset({"M", "F"}),
    ("users", "status"): frozenset({"active", "frozen", "closed"}),
    ("listings", "repayment_method"): frozenset(
        {"equal_instalment", "equal_principal", "interest_monthly", "at_maturity"}
    ),
    ("listings", "status"): frozenset({"raising", "full", "repaying", "overdue", "finished", "cancelled"}),
    ("debts", "origin"): frozenset({"bid", "assignment"}),
    ("debts", "status"): frozenset({"open", "finished"}),
    ("authorisations", "kind"): frozenset({"auto_bid", "auto_assign"}),
    ("in_flight", "kind"): frozenset({"top_up", "withdrawal", "bid", "assignment"}),
}

ISSUES: Final = _schema(entity=TEXT, key=TEXT, column=TEXT, code=TEXT)
"""Cells the reader could not take. `key` is the row's key (parts joined by `/`), or `row N` when the key is NULL.

Codes that close preflight (exit 3): MONEY_DECIMALS MONEY_NULL MONEY_NAN MONEY_NEGATIVE MONEY_FLOAT MONEY_FORMAT
VALUE_NOT_ALLOWED (outside its enumeration; NULL in a required enumeration) KEY_NULL KEY_DUPLICATE NUMBER_FORMAT.
Codes that touch only their item: DATE_INVALID (impossible date), VALUE_NULL (NULL where the contract wants a value).
"""

# --- what the journal tells ------------------------------------------------------------------------------------------

ITEMS: Final = _schema(
    key=TEXT,  # user_id | listing_id | debt_id | serial
    state=TEXT,  # open | ok | refused | unknown
    code=TEXT,  # the bank's code ("106", "N", "13", "000") once answered
    account_no=TEXT,  # users: the custody account, when ok
    activated=pa.bool_(),  # users: FLAG N is true, S is false, when ok
    authcode=TEXT,  # debts: the bank's authorisation code, when ok
    amount_fen=FEN,
    business_date=DATE,  # with batch_no, the batch it went out in
    batch_no=TEXT,
    record_no=pa.int64(),  # 1-based record in the request file
    stage=TEXT,
    round=pa.int64(),
    sample=pa.bool_(),
    row_digest=TEXT,  # of the row as it was sent (given with the plan); tells whether a correction changed it
    result_record=pa.int64(),  # 1-based record of the answer: in the result file, or in the inquiry's records; I5
    inquiry=pa.int64(),  # the inquiry (from 1) that told the outcome; NULL where the result file did
)
"""Every attempt of every item of one entity, sorted by business_date, batch_no, record_no."""

ANSWERS: Final = _schema(
    record_no=pa.int64(),  # of the request file, from 1
    result_record=pa.int64(),  # of the result file, from 1
    key=TEXT,
    outcome=TEXT,  # ok | refused | unknown
    code=TEXT,
    account_no=TEXT,
    activated=pa.bool_(),
    authcode=TEXT,
)
"""One row for every row sent, in the order of record_no: what the bank room made of a whole, accepted result file."""

NOT_FOUND: Final = "NOTFOUND"
"""Code of an item that the bank, asked twice past its finality, knows nothing of."""

HELD: Final[dict[str, pa.Schema]] = {
    "accounts": _schema(account_no=TEXT, id_no=TEXT, name=TEXT, phone=TEXT),
    "listings": _schema(
        listing_id=TEXT,
        account_no=TEXT,
        amount_fen=FEN,
        title=TEXT,
        term_days=pa.int64(),
        guarantor_account=TEXT,
        nominal_account=TEXT,
        payee_account=TEXT,
    ),
    "debts": _schema(debt_id=TEXT, account_no=TEXT, listing_id=TEXT, amount_fen=FEN, authcode=TEXT, end_date=DATE),
}
"""What the bank says it holds when it is asked: entity -> schema. A blank party is the empty text."""

CORRECTIONS: Final = _schema(
    user_id=TEXT, field=TEXT, old=TEXT, new=TEXT, reason=TEXT, by=TEXT, seq=pa.int64(), importer=TEXT
)
"""Applied corrections in the order they were given (`seq` rises). NULL old/new are stored as NULL (empty in the CSV)."""

SIGNATURES: Final = _schema(entity=TEXT, key=TEXT, code=TEXT, by=TEXT, reason=TEXT)
"""Signed exceptions: entity in the plural (`users`, `listings`, `debts`, `escrow_accounts`, ...)."""

RESENDS: Final = _schema(entity=TEXT, key=TEXT, after_date=DATE, after_batch=TEXT, by=TEXT)
"""Refused listings and debts marked for the next round, with the attempt (batch) that was refused."""

EXCEPTIONS: Final = _schema(
    id=TEXT, entity=TEXT, key=TEXT, code=TEXT, state=TEXT, amount_fen=FEN, signed_by=TEXT, reason=TEXT
)
"""`state`: open | signed | mended. `id` is `X` + the first 12 hex digits of SHA-256("entity|key|code")."""

# --- rows to be sent: what the bank room is given ------------------------------------------------------------------------

ACCOUNT_ROWS: Final = _schema(
    key=TEXT,  # user_id = APPID
    kind=TEXT,  # person | company
    name=TEXT,
    id_type=TEXT,  # id_card (normalised, always 18 digits) | uscc | org_code
    id_no=TEXT,  # normalised
    sex=TEXT,  # M | F from the 17th digit; NULL for companies
    phone=TEXT,  # 11 digits
    email=TEXT,  # NULL = blank
    corporate_account=TEXT,  # companies only
    amount_fen=FEN,  # 0
)
LISTING_ROWS: Final = _schema(
    key=TEXT,  # listing_id = BIDNBR
    title=TEXT,
    borrower_account=TEXT,
    amount_fen=FEN,
    repayment_method=TEXT,
    interest_day=pa.int64(),
    term_days=pa.int64(),
    rate_e5=pa.int64(),  # percent a year times 100,000: 12.5 % = 1_250_000
    guarantor_account=TEXT,
    nominal_account=TEXT,
    payee_account=TEXT,
)
DEBT_ROWS: Final = _schema(
    key=TEXT,  # debt_id
    holder_account=TEXT,
    amount_fen=FEN,  # principal held now
    acquired_on=DATE,
    value_date=DATE,
    repayment_method=TEXT,
    interest_day=pa.int64(),
    end_date=DATE,  # maturity, or the consented new one
    rate_e5=pa.int64(),
    listing_id=TEXT,
)
AUTHORISATION_ROWS: Final = _schema(
    key=TEXT,  # serial
    holder_account=TEXT,
    amount_fen=FEN,  # 0
    kind=TEXT,  # auto_bid | auto_assign
    granted_at=INSTANT,
)
ROWS: Final[dict[str, pa.Schema]] = {
    "person": ACCOUNT_ROWS,
    "company": ACCOUNT_ROWS,
    "listing": LISTING_ROWS,
    "debt": DEBT_ROWS,
    "authorisation": AUTHORISATION_ROWS,
}
"""Batch kind -> schema of its rows, sorted by `key` as UTF-8 bytes."""

ENTITY_OF: Final = {
    "person": "users",
    "company": "users",
    "listing": "listings",
    "debt": "debts",
    "authorisation": "authorisations",
}

# --- the exports: contract.md section 4 --------------------------------------------------------------------------------

EXPORTS: Final[dict[str, pa.Schema]] = {
    "users": _schema(
        user_id=TEXT, disposition=TEXT, kept_user_id=TEXT, account_no=TEXT, activated=pa.bool_(), reason=TEXT
    ),
    "listings": _schema(
        listing_id=TEXT,
        disposition=TEXT,
        borrower_account=TEXT,
        amount_fen=FEN,
        outstanding_fen=FEN,
        batch_no=TEXT,
        reason=TEXT,
    ),
    "debts": _schema(
        debt_id=TEXT,
        disposition=TEXT,
        listing_id=TEXT,
        legacy_lender_id=TEXT,
        holder_user_id=TEXT,
        holder_account=TEXT,
        principal_fen=FEN,
        interest_fen=FEN,
        bonus_interest_fen=FEN,
        authcode=TEXT,
        batch_no=TEXT,
        reason=TEXT,
    ),
    "residuals": _schema(
        escrow_id=TEXT, legacy_user_id=TEXT, entitled_user_id=TEXT, available_fen=FEN, frozen_fen=FEN, status=TEXT
    ),
    "schedules": _schema(
        listing_id=TEXT,
        period=pa.int64(),
        due_date=DATE,
        principal_fen=FEN,
        interest_fen=FEN,
        principal_paid_fen=FEN,
        interest_paid_fen=FEN,
    ),
    "authorisations": _schema(serial=TEXT, user_id=TEXT, kind=TEXT, disposition=TEXT, reason=TEXT),
    "notices": _schema(user_id=TEXT, kind=TEXT),
    "batches": _schema(
        batch_no=TEXT,
        business_date=DATE,
        stage=TEXT,
        round=pa.int64(),
        kind=TEXT,
        sample=pa.bool_(),
        part=pa.int64(),
        request_name=TEXT,
        request_sha256=TEXT,
        rows=pa.int64(),
        sum_fen=FEN,
        result_name=TEXT,
        result_sha256=TEXT,
        state=TEXT,
    ),
}
