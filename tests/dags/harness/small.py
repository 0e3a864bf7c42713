"""A whole rehearsal in small for a real Airflow: a platform, its configuration, what the bank refuses, what people hand in.

The story needs two rounds: a lender is refused and corrected, a refused debt is sent again, a loan to oneself is signed.
Listings and debts have a sample and a full set, and debts more than one file. Its people carry the names, ID numbers, phones and
cards that `canaries` looks for, twenty of each; four of them are sent to the bank, the others were never verified.
"""

from __future__ import annotations

from pathlib import Path

from migration.demo.places import Places
from tests.contract.platforms import Tables, fill, row
from tests.support import canaries
from tests.support.platform import joined, loan, person, small

CONFIG = """
[cutover]
id = "2017-11-jx"
kind = "rehearsal"
business_date = "2017-11-18"
language = "zh"

[legacy]
url = "sqlite:///{folder}/legacy.sqlite"
money_unit = "yuan"

[bank]
profile = "jx"
product = "0110"
institution = "000187"
issuer = "MP"
fee_account = "6212460000000000016"
red_packet_account = "6212460000000000024"
master_account = "6212460000000000032"
rows_per_file = 4
transport = "directory"
result_timeout_s = 600

[sampling]
confidence = 0.5
defect_rate = 0.5
seed = 20171118
"""
BANK = """
[refuse_users]
U3 = "106"

[refuse_debts]
L2D3 = { code = "93", times = 1 }
"""
NEW_PHONE = canaries.phones()[2].replace("1397", "1367")
CORRECTIONS = f"user_id,field,old,new,reason,by\nU3,phone,{canaries.phones()[2]},{NEW_PHONE},changed,operations\n"
DECISIONS = "entity,key,code,name,reason\n"
SIGNATURES = "debts,L9D1,SELF_LOAN,compliance,a loan to oneself\n"
RESENDS = "debts,L2D3,BANK_93,operations,once more\n"


class SmallPlaces(Places):
    """The demonstration's places, with a platform of its own instead of sample_data/."""

    @property
    def sample(self) -> Path:
        return self.home / "platform"


def platform() -> Tables:
    """The tables: twenty persons, each with what `canaries` looks for."""
    others = range(5, canaries.COUNT + 1)
    more = {
        "users": [person(number, verified_at=None) for number in others],
        "escrow_accounts": [row("escrow_accounts", escrow_id=f"E{n}", user_id=f"U{n}") for n in (4, *others)],
    }
    tables = joined(small(4), more, loan(9, "U2", {"U2": "70.00", "U3": "30.00"}))
    persons = [user for user in tables["users"] if user["kind"] == "person"]
    for user, name, phone in zip(persons, canaries.names(), canaries.phones(), strict=True):
        user |= {"name": name, "phone": phone}
    for account, card in zip(tables["escrow_accounts"], canaries.cards(), strict=True):
        account |= {"bound_card": card, "bound_bank": "ICBC"}
    return tables


def write_platform(folder: Path) -> None:
    """Everything the run and the desk read."""
    folder.mkdir(mode=0o700, parents=True)
    fill(f"sqlite:///{folder}/legacy.sqlite", platform())
    texts = {
        "cutover.toml": CONFIG.format(folder=folder),
        "bank_faults.toml": BANK,
        "corrections2.csv": CORRECTIONS,
        "signatures.csv": DECISIONS + SIGNATURES,
        "resends.csv": DECISIONS + RESENDS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
