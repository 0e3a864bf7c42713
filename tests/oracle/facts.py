"""What is known so far: the tables, the corrections, the bank's answers, the signatures."""

from dataclasses import dataclass, field


@dataclass
class Answer:
    """What the bank last said of an item, and in which batch it went."""

    ok: bool
    code: str
    batch: str
    account: str | None = None
    activated: bool | None = None
    request: tuple = ()


@dataclass
class Facts:
    """Everything the book depends on."""

    tables: dict
    config: dict
    users: dict  # user_id -> row, corrections applied
    answers: dict = field(default_factory=lambda: {"users": {}, "listings": {}, "debts": {}})
    resends: set = field(default_factory=set)
    signed: set = field(default_factory=set)  # (entity, key)

    def __post_init__(self):
        self.listings = {row["listing_id"]: row for row in self.tables["listings"]}
        self.folded = {}
        for key in self.listings:
            self.folded.setdefault(key.lower(), set()).add(key)
        self.outstanding, self.held = dict.fromkeys(self.listings, 0), dict.fromkeys(self.listings, 0)
        for row in self.tables["schedules"]:
            self.outstanding[row["listing_id"]] += row["principal"] - row["principal_paid"]
        for row in self.tables["debts"]:
            if row["status"] == "open" and row["listing_id"] in self.held:
                self.held[row["listing_id"]] += row["principal"]
        self.consented = {row["listing_id"]: row["new_maturity_date"] for row in self.tables["extensions"]}


def request_of(user):
    """What a correction can change of what is sent: the same request is refused again."""
    columns = ("name", "id_type", "id_no", "phone", "sex", "email", "corporate_account", "verified_at")
    return tuple(user[column] for column in columns)
