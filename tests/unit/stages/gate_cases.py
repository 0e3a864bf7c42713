"""One fault a measure: what is changed in the small platform, and the keys (or the value) the measure must then show.

A change is (place, key column, key, new cells); see gate_world.facts.
"""

from datetime import date, timedelta

from tests.unit.stages.gate_world import DAY, account, id_card

CODES = [
    "MONEY_DECIMALS",
    "MONEY_NULL",
    "MONEY_NAN",
    "MONEY_NEGATIVE",
    "MONEY_FLOAT",
    "MONEY_FORMAT",
    "VALUE_NOT_ALLOWED",
    "KEY_NULL",
    "KEY_DUPLICATE",
    "NUMBER_FORMAT",
    "DATE_INVALID",
    "VALUE_NULL",
    "VALUE_INVALID",
]


def user(key, **cells):
    return ("snapshot.users", "user_id", key, cells)


def listing(key, **cells):
    return ("snapshot.listings", "listing_id", key, cells)


def debt(key, **cells):
    return ("snapshot.debts", "debt_id", key, cells)


def his(key, **cells):
    return ("book.users", "user_id", key, cells)


def lent(key, **cells):
    return ("book.listings", "listing_id", key, cells)


def owed(key, **cells):
    return ("book.debts", "debt_id", key, cells)


def left(key, **cells):
    return ("book.residuals", "escrow_id", key, cells)


def item(entity, key, **cells):
    return (f"items.{entity}", "key", key, cells)


def batch(number, **cells):
    return ("batches", "batch_no", f"{number:06d}", cells)


def gone(place, column, key):
    return (place, column, key, None)


NOBODY = gone("exceptions", "id", "X1")
DAY_5 = f"{DAY}/000005"
BEFORE = DAY - timedelta(days=1)

KEYS = {
    # --- preflight
    "snapshot.keys_bad": [([("snapshot.debts", "status", "new", {"debt_id": "D1"})], ["debts/D1"])],
    "snapshot.money_null": [([debt("D2", interest=None)], ["debts/D2"])],
    "snapshot.money_negative": [([("snapshot.escrow_accounts", "escrow_id", "E3", {"frozen": -1})], ["escrow_accounts/E3"])],
    "snapshot.choice_unknown": [([user("A1", status=None), debt("D1", origin="gift")], ["debts/D1", "users/A1"])],
    "snapshot.orphans": [
        ([debt("D1", listing_id="L9"), debt("D2", lender_id="A9")], ["debts/D1", "debts/D2"]),
        ([listing("L1", payee_id="A9")], ["listings/L1"]),
        ([("snapshot.escrow_accounts", "escrow_id", "E1", {"user_id": "A9"})], ["escrow_accounts/E1"]),
        ([("snapshot.extensions", "listing_id", "L9", {})], ["extensions/L9"]),
    ],
    "listings.outstanding_differs": [([debt("D1", principal=601)], ["L1"])],
    "listings.case_twins": [([listing("l1", status="finished", amount=1)], ["L1", "l1"])],
    "listings.not_lent": [([], ["L3"])],
    "listings.term_differs": [([listing("L1", term_days=364)], ["L1"])],
    "schedules.overpaid": [([("snapshot.schedules", "period", 2, {"interest_paid": 11})], ["L1/2"])],
    "schedules.sum_differs": [([listing("L1", amount=2001)], ["L1"])],
    "debts.open_on_closed": [([debt("D4", status="open")], ["D4"])],
    "in_flight.listed": [([], ["bid/B1", "top_up/T1"])],
    "in_flight.not_frozen": [([("snapshot.in_flight", "id", "B1", {"amount": 6})], ["A3"])],
    "money.above_int32": [([listing("L1", amount=2147483648)], ["listings/L1"])],
    # --- identities
    "users.not_once": [
        ([gone("book.users", "user_id", "C1")], ["C1"]),
        ([his("A9")], ["A9"]),
        ([("book.users", "reason", "again", {"user_id": "A1"})], ["A1"]),
    ],
    "users.merged_astray": [
        ([his("A3", kept_user_id="A9")], ["A3"]),
        ([his("A3", kept_user_id="A3")], ["A3"]),
        ([his("A2", disposition="merged", kept_user_id="A1")], ["A3"]),
        ([his("A1", kept_user_id="A2")], ["A1"]),
    ],
    "users.merged_not_customer": [([user("A3", verified_at=None)], ["A3"]), ([his("A3", kept_user_id="P1")], ["A3"])],
    "users.merged_other_person": [
        ([user("A2", id_no=id_card("11010119810202003"))], ["A3"]),
        ([user("A2", name="李丙")], ["A3"]),
        ([user("A2", kind="company")], ["A3"]),
    ],
    "users.not_merged": [([his("A3", disposition="self_open", kept_user_id="A3")], ["A2"])],
    "users.platform_not_closed": [([his("P1", disposition="self_open")], ["P1"])],
    "users.closed_with_stake": [
        ([debt("D3", lender_id="C1")], ["C1"]),
        ([("snapshot.escrow_accounts", "escrow_id", "E1", {"user_id": "C1"})], ["C1"]),
    ],
    "receivable.person_differs": [
        ([owed("D2", holder_user_id="A3")], ["A2", "A3"]),
        ([owed("D1", interest_fen=8)], ["A2"]),
        ([owed("D3", holder_user_id="A1")], ["A1", "A5"]),
    ],
    "debts.holder_differs": [([owed("D2", holder_user_id="A3")], ["D2"])],
    # --- accounts and reopen
    "accounts.persons_unanswered": [([item("users", "A5", state="open")], ["A5"])],
    "accounts.companies_unanswered": [([item("users", "A4", state="open")], ["A4"])],
    "accounts.unknown_outcome": [([item("users", "A1", state="unknown")], ["A1"])],
    "accounts.opened_and_answer_differ": [
        ([his("A6", disposition="opened")], ["A6"]),
        ([his("A1", disposition="pending")], ["A1"]),
    ],
    "accounts.differs_from_answer": [
        ([his("A1", account_no=account(3))], ["A1"]),
        ([his("A2", activated=False)], ["A2"]),
        ([his("A3", account_no=account(2))], ["A3"]),
        ([his("A1", reason="OPENED_N")], ["A1"]),
    ],
    "accounts.number_malformed": [
        ([his("A1", account_no=account(1)[:-1] + "X")], ["A1"]),
        ([his("A1", account_no=account(1)[:-1] + str((int(account(1)[-1]) + 1) % 10))], ["A1"]),
        ([his("A1", account_no=None)], ["A1"]),
    ],
    "accounts.number_shared": [([his("A1", account_no=account(2))], ["A1", "A2"])],
    "accounts.sent_wrongly": [([item("users", "P1", state="ok")], ["P1"]), ([item("users", "A3", state="open")], ["A3"])],
    "accounts.kind_mixed": [([item("users", "A4", batch_no="000001")], ["A4"])],
    "accounts.refused_without_code": [([item("users", "A5", code=None)], ["A5"])],
    "users.self_open_with_position": [([his("A5", disposition="self_open")], ["A5"])],
    "users.blocked_without_position": [([his("A6", disposition="blocked")], ["A6"])],
    "users.blocked_unlisted": [([his("A6", disposition="blocked")], ["A6"])],
    "users.excepted_unsigned": [([NOBODY], ["A5"])],
    # --- every exchange
    "batches.rows_or_sum_differ": [([batch(5, sum_fen=301)], [DAY_5]), ([item("debts", "D2", amount_fen=299)], [DAY_5])],
    "batches.items_astray": [([item("debts", "D2", batch_no="000009")], [f"{DAY}/000009"])],
    "batches.number_gap": [([gone("batches", "batch_no", "000003")], [str(DAY)])],
    "batches.name_or_content_shared": [
        ([batch(5, request_name="Q4")], [f"{DAY}/000004", DAY_5]),
        ([batch(5, request_sha256=f"{4:064x}")], [f"{DAY}/000004", DAY_5]),
    ],
    "batches.unsealed_at_bank": [([batch(5, request_sha256=None)], [DAY_5])],
    "batches.result_missing": [([batch(5, result_sha256="")], [DAY_5]), ([batch(5, state="delivered")], [DAY_5])],
    "batches.applied_with_open_items": [([item("debts", "D2", state="open")], [DAY_5])],
    "batches.over_row_limit": [([batch(5, rows=10000)], [DAY_5])],
    "batches.not_applied": [([batch(5, state="quarantined")], [DAY_5])],
    "items.two_standing": [([("items.debts", "key", "D2", {"key": "D1"})], ["debts/D1"])],
    "items.unknown_unsigned": [([item("debts", "D2", state="unknown")], ["debts/D2"])],
    "items.open": [([item("listings", "L1", state="open")], ["listings/L1"])],
    # --- samples and answers
    "sample.listing.unanswered": [([item("listings", "L1", state="open")], ["L1"])],
    "sample.listing.failed": [([item("listings", "L1", state="refused"), lent("L1", disposition="blocked")], ["L1"])],
    "sample.listing.unknown": [([item("listings", "L1", state="unknown")], ["L1"])],
    "sample.listing.full_sent_before": [
        ([item("listings", "L1", state="open"), batch(5, kind="listing", state="delivered")], [DAY_5]),
    ],
    "sample.listing.not_drawn": [([batch(3, sample=False)], [f"{DAY}/000003"])],
    "sample.debt.unanswered": [([item("debts", "D1", state="open")], ["D1"])],
    "sample.debt.failed": [([item("debts", "D1", state="refused"), owed("D1", disposition="blocked")], ["D1"])],
    "sample.debt.unknown": [([item("debts", "D1", state="unknown")], ["D1"])],
    "sample.debt.full_sent_before": [
        ([item("debts", "D1", state="refused"), owed("D1", disposition="blocked")], [DAY_5]),
    ],
    "sample.debt.not_drawn": [([batch(4, sample=False)], [f"{DAY}/000004", DAY_5])],
    "exchange.listing.unanswered": [([item("listings", "L1", state="open")], ["L1"])],
    "exchange.listing.unknown_outcome": [([item("listings", "L1", state="unknown")], ["L1"])],
    "exchange.debt.unanswered": [([item("debts", "D2", state="open")], ["D2"])],
    "exchange.debt.unknown_outcome": [([item("debts", "D2", state="unknown")], ["D2"])],
    # --- listings
    "listings.not_once": [([gone("book.listings", "listing_id", "L2")], ["L2"]), ([lent("L9")], ["L9"])],
    "listings.registered_and_answer_differ": [
        ([lent("L2", disposition="registered")], ["L2"]),
        ([lent("L1", disposition="blocked")], ["L1"]),
        ([lent("L1", batch_no="000004")], ["L1"]),
    ],
    "listings.borrower_account_differs": [
        ([lent("L1", borrower_account=account(2))], ["L1"]),
        ([his("A1", disposition="blocked")], ["L1"]),
    ],
    "listings.party_without_account": [([his("A4", disposition="blocked", account_no=None)], ["L1"])],
    "listings.amount_differs": [([lent("L1", amount_fen=1999)], ["L1"]), ([item("listings", "L1", amount_fen=1)], ["L1"])],
    "listings.outstanding_not_kept": [([lent("L1", outstanding_fen=1001)], ["L1"])],
    "listings.open_and_sent_differ": [
        ([item("listings", "L2", state="ok")], ["L2"]),
        ([lent("L1", disposition="not_migrated")], ["L1"]),
    ],
    "listings.sent_case_twins": [([item("listings", "l1", state="ok")], ["L1", "l1"])],
    "listings.platform_party": [([listing("L1", payee_id="P1")], ["L1"])],
    "listings.excepted_unsigned": [([lent("L1", disposition="excepted")], ["L1"])],
    "listings.undecided": [([lent("L1", disposition="pending")], ["L1"])],
    # --- debts
    "debts.not_once": [([gone("book.debts", "debt_id", "D4")], ["D4"]), ([owed("D9")], ["D9"])],
    "debts.listing_not_conserved": [
        ([owed("D1", principal_fen=599)], ["L1"]),
        ([owed("D3", interest_fen=8)], ["L1"]),
        ([gone("book.debts", "debt_id", "D3")], ["L1"]),
    ],
    "debts.lender_not_conserved": [
        ([owed("D1", principal_fen=700), owed("D3", principal_fen=0)], ["A2", "A5"]),
        ([owed("D3", disposition="not_migrated")], ["A5"]),
    ],
    "debts.amount_differs": [([owed("D1", principal_fen=300), owed("D2", principal_fen=600)], ["D1", "D2"])],
    "debts.listing_sum_mismatch": [([debt("D3", principal=101)], ["D1", "D2"])],
    "debts.registered_and_answer_differ": [
        ([owed("D3", disposition="registered")], ["D3"]),
        ([owed("D1", disposition="blocked")], ["D1"]),
        ([owed("D1", batch_no="000005")], ["D1"]),
        ([item("debts", "D1", amount_fen=601)], ["D1"]),
    ],
    "debts.authcode_wrong": [
        ([owed("D1", authcode=None)], ["D1"]),
        ([owed("D1", authcode="C9")], ["D1"]),
        ([owed("D1", authcode="C2"), item("debts", "D1", authcode="C2")], ["D1", "D2"]),
        ([owed("D3", authcode="C3")], ["D3"]),
    ],
    "debts.lender_or_listing_differs": [([owed("D1", legacy_lender_id="A3"), owed("D2", listing_id="L2")], ["D1", "D2"])],
    "debts.registered_account_differs": [
        ([owed("D2", holder_account=account(1))], ["D2"]),
        ([owed("D2", holder_account=None)], ["D2"]),
        ([his("A2", disposition="blocked")], ["D1", "D2"]),
    ],
    "debts.self_loan": [([listing("L1", borrower_id="A3")], ["D1", "D2"])],
    "debts.platform_holder": [([user("A3", kind="platform")], ["D2"])],
    "debts.listing_not_registered": [([lent("L1", disposition="excepted")], ["D1", "D2"])],
    "debts.open_and_registered_differ": [
        ([owed("D4", disposition="registered")], ["D4"]),
        ([owed("D5", disposition="registered")], ["D5"]),
        ([owed("D1", disposition="not_migrated")], ["D1"]),
    ],
    "debts.overdue_without_consent": [([listing("L1", maturity_date=BEFORE)], ["D1", "D2"])],
    "debts.account_differs": [([owed("D4", holder_account=None)], ["D4"])],
    "debts.excepted_unsigned": [([NOBODY], ["D3"])],
    "debts.undecided": [([owed("D3", disposition="pending")], ["D3"])],
    # --- residual and reconcile
    "residuals.not_once": [([gone("book.residuals", "escrow_id", "EP")], ["EP"]), ([left("E9")], ["E9"])],
    "residuals.amount_differs": [([left("E3", available_fen=15, frozen_fen=0)], ["E3"])],
    "residuals.entitled_wrong": [([left("E3", entitled_user_id="A3")], ["E3"])],
    "residuals.status_wrong": [([left("EP", status="empty")], ["EP"])],
    "exceptions.open": [([("exceptions", "id", "X1", {"state": "open"})], ["users/A5/BANK_106"])],
    "users.open_end": [([his("A5", disposition="blocked")], ["A5"])],
    "listings.open_end": [([lent("L1", disposition="pending")], ["L1"])],
    "debts.open_end": [([owed("D3", disposition="blocked")], ["D3"])],
    "balance.listing_differs": [([owed("D3", disposition="blocked")], ["L1"]), ([owed("D1", principal_fen=601)], ["L1"])],
    "balance.person_differs": [
        ([owed("D1", principal_fen=500), owed("D3", principal_fen=200)], ["A2", "A5"]),
        ([left("E3", entitled_user_id="A1")], ["A1", "A2"]),
    ],
} | {f"issue.{code}": [([("issues", "code", code, {"entity": "debts", "key": "D1", "column": "principal"})],
                        ["debts/D1.principal"])] for code in CODES}  # fmt: skip

TOTALS = {
    "users.rows": [([], 8)],
    "listings.rows": [([], 3)],
    "debts.rows": [([], 5)],
    "escrow.rows": [([], 3)],
    "book.users.disposed": [([], 8), ([his("C1", disposition="lost")], 7), ([his("C1", disposition=None)], 7)],
    "book.listings.disposed": [([], 3), ([lent("L1", disposition="opened")], 2)],
    "book.debts.disposed": [([], 5), ([owed("D1", disposition=None)], 4)],
    "receivable.before": [([], 1000)],
    "receivable.after": [([], 1000), ([owed("D2", principal_fen=301)], 1001)],
    "accounts.opened": [([], 3), ([his("A6", disposition="opened")], 4)],
    "accounts.ok_items": [([], 3), ([item("users", "A5", state="ok")], 4)],
    "accounts.refused_permille": [([], 250), ([item("users", "A5", state="ok")], 0)],
    "exchange.listing.refused_permille": [([], 0), ([item("listings", "L1", state="refused")], 1000)],
    "exchange.debt.refused_permille": [([item("debts", "D2", state="refused")], 500)],
    "listings.registered_fen": [([], 2000), ([lent("L1", amount_fen=1)], 1)],
    "listings.answered_fen": [([], 2000), ([item("listings", "L1", state="refused")], 0)],
    "debts.legacy_fen": [([], 1000)],
    "debts.accounted_fen": [([], 1000), ([owed("D3", disposition="not_migrated")], 900)],
    "debts.registered_fen": [([], 900)],
    "debts.answered_fen": [([], 900), ([item("debts", "D1", amount_fen=500)], 800)],
    "escrow.legacy_fen": [([], 72)],
    "residuals.fen": [([], 72), ([left("E1", frozen_fen=1)], 73)],
    "balance.legacy_fen": [([], 1092)],
    "balance.accounted_fen": [([], 1092), ([owed("D3", disposition="blocked")], 992)],
    "balance.legacy_interest": [([], 27)],
    "balance.accounted_interest": [([], 27), ([owed("D1", interest_fen=0)], 18)],
    "balance.legacy_bonus_interest": [([], 3)],
    "balance.accounted_bonus_interest": [([], 3), ([owed("D1", disposition="blocked")], 2)],
}

# Must raise no alarm: what looks odd and is right.
FINE = {
    "users.merged_other_person": [
        [user("A2", name="李　乙", id_no=id_card("11010119810202002")[:17] + "x")]
        if id_card("11010119810202002")[17] == "X"
        else [user("A2", id_no="１１０１０１ 19810202002" + id_card("11010119810202002")[17])],
    ],
    "users.self_open_with_position": [[his("A5", disposition="self_open"), debt("D3", principal=0)]],
    "users.blocked_without_position": [[his("A5", disposition="blocked"), debt("D3", principal=0)]],
    "accounts.sent_wrongly": [[item("users", "A3", state="refused", batch_no="000001")]],
    "items.unknown_unsigned": [[item("debts", "D2", state="unknown"), owed("D2", disposition="excepted")]],
    "items.two_standing": [[("items.debts", "state", "refused", {"key": "D1"})]],
    "sample.debt.failed": [
        [item("debts", "D1", state="refused"), owed("D1", disposition="excepted")],
        [item("debts", "D1", state="refused"), owed("D1", disposition="blocked"),
         ("resends", "key", "D1", {"entity": "debts", "after_date": DAY, "after_batch": "000004"})],
        [item("debts", "D1", state="refused"), owed("D1", disposition="blocked"),
         ("items.debts", "state", "open", {"key": "D1", "business_date": DAY, "batch_no": "000005"})],
    ],
    "debts.overdue_without_consent": [[listing("L1", maturity_date=DAY)]],
    "debts.excepted_unsigned": [[NOBODY, ("exceptions", "id", "X2", {"entity": "listings", "key": "L1", "state": "signed"})]],
    "listings.excepted_unsigned": [
        [lent("L1", disposition="excepted"), ("exceptions", "id", "X2", {"entity": "users", "key": "A4", "state": "signed"})],
    ],
    "batches.number_gap": [[batch(5, business_date=date(2017, 11, 19), batch_no="000001")]],
}  # fmt: skip
