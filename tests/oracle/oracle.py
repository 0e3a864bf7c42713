"""Drive the whole cutover on paper: rounds, batches, the bank's answers; then write down what every export must hold."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date

from tests.oracle import exports, people, sampling, source
from tests.oracle.bank import Bank, authcode
from tests.oracle.book import Book
from tests.oracle.facts import Answer, Facts, request_of

DEFAULTS = {
    "cutover": {"business_date": "2017-11-18"},
    "bank": {"product": "0110", "institution": "000187", "issuer": "MP", "rows_per_file": 9999},
    "policy": {
        "keep_account": [
            "election",
            "party_to_listing",
            "receivable",
            "balance",
            "last_active",
            "registered",
            "user_id",
        ],
        "overdue": "signed_exception",
    },
    "sampling": {"confidence": "0.95", "defect_rate": "0.01", "seed": 20171118},
}


@dataclass(frozen=True)
class Given:
    """What people hand in at one point: after the accounts (the first), then after each round's debts."""

    corrections: list = field(default_factory=list)  # dicts of user_id, field, old, new
    resends: list = field(default_factory=list)  # dicts of entity, key


def expected(legacy, config=None, faults=None, given=(), signatures="all", sampler=sampling.draw):
    """Export name -> rows (dicts), plus `balance`, `open` (exceptions nobody signed) and `signatures` (what was signed).

    `given[0]` comes when the accounts are done, `given[n]` after the debts of round n. `signatures`: (entity, key, code)
    of each, or "all" for every exception that is open at the end.
    """
    run = Run(legacy, config or {}, faults or {}, sampler)
    run.first_round(given[0] if given else Given())
    for number, more in enumerate(given[1:], start=2):
        run.next_round(number, more)
    to_sign = run.book().open_exceptions() if signatures == "all" else signatures
    run.facts.signed |= {(entity, key) for entity, key, _ in to_sign}
    book = run.book()
    return {
        **exports.all_of(book, run.batches),
        "open": book.open_exceptions(),
        "signatures": sorted({*run.shut, *to_sign}),
    }


def settings(config):
    """The given configuration over the defaults, the business date parsed."""
    merged = {section: {**values, **config.get(section, {})} for section, values in deepcopy(DEFAULTS).items()}
    merged["cutover"]["business_date"] = date.fromisoformat(str(merged["cutover"]["business_date"]))
    return merged


class Run:
    """The flow of domain.md, Order and gates."""

    def __init__(self, legacy, config, faults, sampler):
        tables = source.read(legacy)
        self.config = settings(config)
        self.facts = Facts(tables, self.config, {row["user_id"]: row for row in tables["users"]})
        self.bank = Bank(faults)
        self.sampler = sampler
        self.batches = []

    def book(self):
        return Book(self.facts)

    def first_round(self, given):
        self.shut = self._preflight()
        self.send_users("accounts", 1)
        self.take(given)
        self.send_users("reopen", 1)
        self.send_sampled("listings")
        self.send_sampled("debts")

    def _preflight(self):
        """Orphans and impossible dates are signed before anything is sent."""
        shut = [item for item in self.book().open_exceptions() if item[2] == "ORPHAN" or self._bad_date(*item[:2])]
        self.facts.signed |= {(entity, key) for entity, key, _ in shut}
        return shut

    def _bad_date(self, entity, key):
        column = {"users": "user_id", "listings": "listing_id", "debts": "debt_id"}[entity]
        return any(row["bad"] for row in self.facts.tables[entity] if row[column] == key)

    def next_round(self, number, given):
        self.take(given)
        self.send_users("reopen", number)
        for entity in ("listings", "debts"):
            self.send(entity, number, self.book().ready(entity), sample=False)

    def take(self, given):
        for row in given.corrections:
            user = self.facts.users[row["user_id"]]
            assert (user[row["field"]] or "") == row["old"], f"correction of {row['user_id']}: old differs"
            user[row["field"]] = row["new"] or None
            user["bad"].discard(row["field"])
        self.facts.resends |= {(row["entity"], row["key"]) for row in given.resends}

    # --- exchanges ---------------------------------------------------------------------------------------------
    def batch(self, stage, number, kind, part, rows, amount, *, sample=False):
        bank, day = self.config["bank"], self.config["cutover"]["business_date"]
        no, ymd = f"{len(self.batches) + 1:06d}", day.strftime("%Y%m%d")
        request, result = {
            "person": (f"APPZX{bank['product']}", f"APPZX{bank['product']}RES"),
            "company": (f"APPZX{bank['product']}", f"APPZX{bank['product']}RES"),
            "listing": (f"BIDIN-{bank['institution']}", f"BIDINRESP-{bank['institution']}"),
            "debt": ("BID", "BIDRESP"),
        }[kind]
        self.batches.append({
            "batch_no": no, "business_date": day, "stage": stage, "round": number, "kind": kind, "sample": sample, "part": part,
            "request_name": f"3005-{request}-{no}-{ymd}", "rows": rows, "sum_fen": amount,
            "result_name": f"3005-{result}-{no}-{ymd}", "state": "applied",
        })  # fmt: skip
        return no

    def parts(self, rows):
        size = self.config["bank"]["rows_per_file"]
        return enumerate((rows[start : start + size] for start in range(0, len(rows), size)), start=1)

    def send_users(self, stage, number):
        book = self.book()
        for kind in ("person", "company"):
            for part, keys in self.parts(book.sendable_users(kind)):
                no = self.batch(stage, number, kind, part, len(keys), 0)
                for key in keys:
                    user = self.facts.users[key]
                    answer = self.bank.open(key, people.plain_id(user), request_of(user))
                    ok, code, account, activated = answer
                    self.facts.answers["users"][key] = Answer(ok, code, no, account, activated, request_of(user))

    def send_sampled(self, entity):
        book = self.book()
        rows = book.ready(entity)
        key, levels = ("listing_id", book.listing_levels) if entity == "listings" else ("debt_id", book.debt_levels)
        self.strata = {row[key]: levels(row) for row in rows}
        chosen = self.sampler(entity, self.strata, self.config["sampling"]) if rows else set()
        self.send(entity, 1, [row for row in rows if row[key] in chosen], sample=True)
        refused = sorted(k for k in chosen if not self.facts.answers[entity][k].ok)
        assert not refused, f"the sample of {entity} fails: {refused}"
        self.send(entity, 1, [row for row in rows if row[key] not in chosen], sample=False)

    def send(self, entity, number, rows, *, sample):
        kind, key, amount = {
            "listings": ("listing", "listing_id", "amount"),
            "debts": ("debt", "debt_id", "principal"),
        }[entity]
        for part, some in self.parts(rows):
            total = sum(row[amount] for row in some)
            no = self.batch(entity, number, kind, part, len(some), total, sample=sample)
            for row in some:
                code = self.bank.refusal(f"refuse_{entity}", row[key], ())
                secret = authcode(self.config["bank"]["institution"], row[key]) if entity == "debts" else None
                self.facts.answers[entity][row[key]] = Answer(not code, code or "00", no, account=secret)
                self.facts.resends.discard((entity, row[key]))
