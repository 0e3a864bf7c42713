"""APPZX: batch account opening (bank-interface.md section 2)."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from typing import Final

from migration.sandbox.bank import numbers
from migration.sandbox.bank.desk import Answer, Desk, is_blank, is_gbk, text
from migration.sandbox.bank.ledger import Customer
from migration.sandbox.bank.tables import APPZX, Row

_OK: Final = "000"
_PERSON: Final = b"0"
_COMPANY: Final = b"1"
_KINDS: Final = {_PERSON: "person", _COMPANY: "company"}
_PRINT: Final = ("IDNO", "IDTYPE", "NAME", "GEN", "MOPHONE", "CACCOUNT")
_ECHO: Final = ("IDNO", "IDTYPE", "NAME", "ACCTYPE", "APPID", "MOPHONE", "INFO")
_TEXTS: Final = ("EMAIL", "APPID", "BUSID", "TAXID", "ADNO", "INFO", "CACCOUNT", "BUSID1", "REVERS")
_OTHER_NAME: Final = {"person": "某他人", "company": "某他公司"}


def answer(desk: Desk, record: int, row: Row) -> Answer:
    """Open the account a record asks for, or say why not."""
    code = desk.planned_refusal((text(row, "APPID"),), row, _PRINT) or _form(desk, row)
    if code:
        return _refused(row, code)
    identity = numbers.identity(row["IDTYPE"], row["IDNO"].rstrip(b" ")) or ""
    _plant(desk, row, identity, record)
    known = desk.ledger.customer("identity", identity)
    if known is not None:
        return _known(desk, row, known, record)
    if desk.ledger.customer("app_id", text(row, "APPID")) is not None:
        return _refused(row, "108")
    code = _phone_taken(desk, row)
    if code:
        return _refused(row, code)
    new = _open(desk, row, identity, record, flag="S")
    desk.ledger.effect("accounts", text(row, "APPID"), desk.request.name, record)
    return _reply(row, "S", _OK, new.account_no)


def _form(desk: Desk, row: Row) -> str:
    """Return the first code that the record by itself deserves, or empty."""
    checks = (_app_id, _product, _identity, _name, _sex, _phone, _age)
    return next((code for check in checks if (code := check(desk, row))), "")


def _app_id(_desk: Desk, row: Row) -> str:
    return "109" if is_blank(row, "APPID") else ""


def _product(desk: Desk, row: Row) -> str:
    """111 to 114 out of the range `product mismatch`: which is which is this sandbox's own reading."""
    if row["ACC-TYPE"] != b"2" or row["ACCTYPE"] not in _KINDS:
        return "111"
    if row["ACCTYPE"] == _COMPANY and is_blank(row, "CACCOUNT"):
        return "112"
    if row["ACCTYPE"] != desk.first["ACCTYPE"]:
        return "113"
    return "" if is_gbk(row, _TEXTS) else "114"


def _identity(desk: Desk, row: Row) -> str:
    types = numbers.PERSON_TYPES if row["ACCTYPE"] == _PERSON else numbers.COMPANY_TYPES
    identity = numbers.identity(row["IDTYPE"], row["IDNO"].rstrip(b" ")) if row["IDTYPE"] in types else None
    if identity is None:
        return "101"
    if row["ACCTYPE"] == _PERSON:
        birth = numbers.birth_date(identity)
        if birth is None or birth > desk.request.day:
            return "101"
    return ""


def _name(_desk: Desk, row: Row) -> str:
    raw = row["NAME"].rstrip(b" ")
    if not raw:
        return "102"
    name = text(row, "NAME")
    ill = not is_gbk(row, ("NAME",)) or name != name.strip() or any(unicodedata.category(char) == "Cc" for char in name)
    return "103" if ill else ""


def _sex(_desk: Desk, row: Row) -> str:
    if row["ACCTYPE"] == _COMPANY:
        return "" if row["GEN"] == b" " else "105"
    if row["GEN"] == b" ":
        return "104"
    identity = numbers.identity(row["IDTYPE"], row["IDNO"].rstrip(b" ")) or ""
    return "" if row["GEN"] == numbers.sex_of(identity) else "105"


def _phone(_desk: Desk, row: Row) -> str:
    return "" if numbers.is_mobile(row["MOPHONE"].rstrip(b" ")) else "106"


def _age(desk: Desk, row: Row) -> str:
    if row["ACCTYPE"] == _COMPANY:
        return ""
    identity = numbers.identity(row["IDTYPE"], row["IDNO"].rstrip(b" ")) or ""
    birth = numbers.birth_date(identity)
    return "" if birth and numbers.is_adult(birth, desk.request.day) else "108"


def _phone_taken(desk: Desk, row: Row) -> str:
    """106: on record for another customer; 107: used by an earlier record of this file."""
    other = desk.ledger.customer("phone", text(row, "MOPHONE"))
    if other is None:
        return ""
    return "107" if other.file == desk.request.name else "106"


def _plant(desk: Desk, row: Row, identity: str, record: int) -> None:
    """Let the fault plan's earlier customers exist before their record is looked at, each once."""
    app_id = text(row, "APPID")
    same, other = app_id in desk.plan.already_open, app_id in desk.plan.already_open_other
    if not (same or other) or desk.ledger.struck("already open", app_id)[0]:
        return
    if desk.ledger.customer("identity", identity) or desk.ledger.customer("app_id", app_id):
        return
    if same and desk.ledger.customer("phone", text(row, "MOPHONE")):
        return  # the phone is somebody else's: the ordinary refusal follows
    desk.ledger.strike("already open", app_id, "")
    if same:
        _open(desk, row, identity, record, flag="N")
    else:
        kind = _KINDS[row["ACCTYPE"]]
        _open(desk, row, identity, record, flag="N", name=_OTHER_NAME[kind], phone=_free_phone(desk, identity))


def _free_phone(desk: Desk, identity: str) -> str:
    """Find a phone number nobody has on record, made from the ID."""
    turn = 0
    while True:
        digest = sha256(f"phone|{identity}|{turn}".encode()).hexdigest()
        phone = f"199{int(digest, 16) % 10**8:08d}"
        if desk.ledger.customer("phone", phone) is None:
            return phone
        turn += 1


def _open(
    desk: Desk, row: Row, identity: str, record: int, *, flag: str, name: str | None = None, phone: str | None = None
) -> Customer:
    """Write a customer into the books. Those of other channels (flag N) are not linked to the platform yet."""
    app_id = text(row, "APPID")
    origin = f"account|{app_id}" if flag == "S" else f"elsewhere|{text(row, 'IDNO')}"
    new = Customer(
        account_no=_free_account(desk, origin),
        app_id=app_id if flag == "S" else None,
        identity=identity,
        id_no=text(row, "IDNO"),
        id_type=text(row, "IDTYPE"),
        name=name or text(row, "NAME"),
        phone=phone or text(row, "MOPHONE"),
        kind=_KINDS[row["ACCTYPE"]],
        flag=flag,
        file=desk.request.name,
        record=record,
    )
    desk.ledger.add_customer(new)
    return new


def _free_account(desk: Desk, origin: str) -> str:
    """Return the account number made from `origin`; `|1`, `|2` ... are added while it is taken."""
    turn, account = 0, numbers.account_number(desk.profile.prefix, origin)
    while desk.ledger.customer("account_no", account) or desk.is_platform(account):
        turn += 1
        account = numbers.account_number(desk.profile.prefix, f"{origin}|{turn}")
    return account


def _known(desk: Desk, row: Row, known: Customer, record: int) -> Answer:
    """Answer an ID on record: opened by us before (108), or through another channel (FLAG N, the bank's own record)."""
    app_id = text(row, "APPID")
    linked_elsewhere = known.app_id is not None and known.app_id != app_id
    if known.flag == "S" or linked_elsewhere:
        return _refused(row, "108")
    same = known.name == text(row, "NAME") and known.phone == text(row, "MOPHONE")
    if same and known.app_id is None and desk.ledger.customer("app_id", app_id) is None:
        desk.ledger.link_customer(known.account_no, app_id)
        desk.ledger.effect("accounts", app_id, desk.request.name, record)
    echo = {
        **row,
        "IDNO": known.id_no.encode("gbk"),
        "IDTYPE": known.id_type.encode("gbk"),
        "NAME": known.name.encode("gbk"),
        "MOPHONE": known.phone.encode("gbk"),
    }
    return _reply(echo, "N", _OK, known.account_no)


def _refused(row: Row, code: str) -> Answer:
    return _reply(row, "F", code, "")


def _reply(row: Row, flag: str, code: str, account_no: str) -> Answer:
    echo = {name: row[name] for name in _ECHO}
    own = {"CARDNBR": account_no.encode(), "FLAG": flag.encode(), "ERRCODE": code.encode()}
    return Answer(flag if flag != "F" else f"F{code}", APPZX.result.record({**echo, **own}))
