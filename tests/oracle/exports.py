"""The exports of contract.md section 4 from a finished book: rows in order, cells as values (None = empty)."""

from tests.oracle.source import by_bytes


def all_of(book, batches):
    """Export name -> rows; `balance` is a dict."""
    found = {
        "users": users(book),
        "listings": listings(book),
        "debts": debts(book),
        "residuals": residuals(book),
        "schedules": schedules(book),
        "authorisations": authorisations(book),
        "batches": batches,
    }
    return {**found, "notices": notices(book, found), "balance": balance(book, found)}


def users(book):
    rows = []
    for key in sorted(book.facts.users, key=str.encode):
        disposition, reason = book.user(key)
        answer = book.facts.answers["users"].get(key) if disposition == "opened" else None
        rows.append({
            "user_id": key, "disposition": disposition, "kept_user_id": book.kept[key],
            "account_no": answer.account if answer else None, "activated": answer.activated if answer else None, "reason": reason,
        })  # fmt: skip
    return rows


def listings(book):
    rows = []
    for row in by_bytes(book.facts.tables["listings"], "listing_id"):
        disposition, reason = book.listing(row)
        answer = book.facts.answers["listings"].get(row["listing_id"])
        rows.append({
            "listing_id": row["listing_id"], "disposition": disposition, "borrower_account": book.account(row["borrower_id"]),
            "amount_fen": row["amount"], "outstanding_fen": book.facts.outstanding[row["listing_id"]],
            "batch_no": answer.batch if answer else None, "reason": reason,
        })  # fmt: skip
    return rows


def debts(book):
    rows = []
    for row in by_bytes(book.facts.tables["debts"], "debt_id"):
        disposition, reason = book.debt(row)
        answer = book.facts.answers["debts"].get(row["debt_id"])
        rows.append({
            "debt_id": row["debt_id"], "disposition": disposition, "listing_id": row["listing_id"],
            "legacy_lender_id": row["lender_id"], "holder_user_id": book.kept.get(row["lender_id"]),
            "holder_account": book.account(row["lender_id"]), "principal_fen": row["principal"], "interest_fen": row["interest"],
            "bonus_interest_fen": row["bonus_interest"],
            "authcode": answer.account if answer and answer.ok else None, "batch_no": answer.batch if answer else None,
            "reason": reason,
        })  # fmt: skip
    return rows


def residuals(book):
    return [
        {
            "escrow_id": row["escrow_id"], "legacy_user_id": row["user_id"], "entitled_user_id": book.kept.get(row["user_id"]),
            "available_fen": row["available"], "frozen_fen": row["frozen"],
            "status": "available" if row["available"] + row["frozen"] > 0 else "empty",
        }
        for row in by_bytes(book.facts.tables["escrow_accounts"], "escrow_id")
    ]  # fmt: skip


def schedules(book):
    registered = {key for key, answer in book.facts.answers["listings"].items() if answer.ok}
    rows = [row for row in book.facts.tables["schedules"] if row["listing_id"] in registered]
    money = ("principal", "interest", "principal_paid", "interest_paid")
    return [
        {
            "listing_id": row["listing_id"], "period": row["period"], "due_date": row["due_date"],
            **{f"{name}_fen": row[name] for name in money},
        }
        for row in sorted(rows, key=lambda row: (row["listing_id"].encode(), row["period"]))
    ]  # fmt: skip


def authorisations(book):
    return [
        {
            "serial": row["serial"],
            "user_id": row["user_id"],
            "kind": row["kind"],
            "disposition": "lapsed",
            "reason": "CONSENT_NEEDED",
        }
        for row in by_bytes(book.facts.tables["authorisations"], "serial")
    ]


def notices(book, found):
    """One row per kept user and kind."""
    wanted = set()
    for row in found["users"]:
        if row["disposition"] == "opened":
            wanted.add((row["user_id"], "grant_fee"))
            if not row["activated"]:
                wanted.add((row["user_id"], "bind_card"))
        if row["disposition"] == "self_open":
            wanted.add((row["user_id"], "open_account"))
    wanted |= {(row["entitled_user_id"], "withdraw_residual") for row in found["residuals"] if row["available_fen"] > 0}
    wanted |= {
        (book.kept[row["user_id"]], "authorisation_lapsed")
        for row in found["authorisations"]
        if row["disposition"] == "lapsed"
    }
    registered = {row["listing_id"] for row in found["listings"] if row["disposition"] == "registered"}
    wanted |= {
        (book.kept[row["borrower_id"]], "grant_repayment")
        for row in book.facts.tables["listings"]
        if row["listing_id"] in registered
    }
    return [
        {"user_id": user, "kind": kind} for user, kind in sorted(wanted, key=lambda pair: (pair[0].encode(), pair[1]))
    ]


def balance(book, found):
    """To the fen; `listings` and `persons` where legacy and accounted differ."""
    status = {row["debt_id"]: row["status"] for row in book.facts.tables["debts"]}

    def principal(*dispositions):
        return sum(
            row["principal_fen"]
            for row in found["debts"]
            if row["disposition"] in dispositions and status[row["debt_id"]] == "open"
        )

    residual = sum(row["available_fen"] + row["frozen_fen"] for row in found["residuals"])
    in_flight = sum(row["amount"] for row in book.facts.tables["in_flight"] if row["kind"] == "top_up")
    owed = sum(row["principal"] for row in book.facts.tables["debts"] if row["status"] == "open")
    registered, excepted = principal("registered"), principal("excepted")
    legacy = owed + residual + in_flight
    return {
        "legacy_fen": legacy, "registered_fen": registered, "excepted_fen": excepted, "residual_fen": residual,
        "in_flight_fen": in_flight, "difference_fen": legacy - registered - excepted - residual - in_flight,
        "listings": _differing(book, found, "listing_id", "listing_id"), "persons": _differing(book, found, "lender_id", "legacy_lender_id"),
    }  # fmt: skip


def _differing(book, found, legacy_column, export_column):
    """Open principal by listing (or by person) before, against registered and excepted after."""
    before, after = {}, {}
    for row in book.facts.tables["debts"]:
        if row["status"] == "open":
            key = book.kept.get(row[legacy_column], row[legacy_column])
            before[key] = before.get(key, 0) + row["principal"]
    for row in found["debts"]:
        if row["disposition"] in {"registered", "excepted"}:
            key = book.kept.get(row[export_column], row[export_column])
            after[key] = after.get(key, 0) + row["principal_fen"]
    return [
        {"key": key, "legacy_fen": before.get(key, 0), "accounted_fen": after.get(key, 0)}
        for key in sorted({*before, *after}, key=str.encode)
        if before.get(key, 0) != after.get(key, 0)
    ]
