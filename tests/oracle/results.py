"""Result files once more: judged record by record in plain Python, from the bank's interface, sharing nothing with the product.

`judge` gives, for a result beside its request, what each record of the request came to, or which records are bad.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from tests.oracle.bank import luhn_digit

# A: ASCII, G: text in GBK, N: digits, D: a date or blank
LAYOUTS = {
    "APPZX": "IDNO A18 IDTYPE A2 NAME G60 GEN A1 MOPHONE A12 ACCTYPE A1 EMAIL G40 APPID A60 BUSID G9 TAXID G30 ADNO G20 "
    "ACC-TYPE A1 FUCOMCODE A2 INFO G100 CACCOUNT G42 BUSID1 G18 REVERS G17",
    "APPZXRES": "CARDNBR A19 IDNO A18 IDTYPE A2 FLAG A1 ERRCODE A3 NAME G60 ACCTYPE A1 APPID A60 MOPHONE A12 INFO G100 REVERS G88",
    "BIDIN": "BANK A4 BATCH A6 BIDNBR A40 BID-DESC G60 CARDNBR A19 AMOUNT N13 INTTYPE A1 INTPAYDAY A2 LOANTERM N4 YIELD N8 "
    "CARDNBR-SU A19 CARDNBR-MY A19 MBORROW-YN A1 CARDNBR-PE A19 ENTRUST-YN A1 RESERVED G100 TRDRESV G100",
    "BIDINRESP": "BANK A4 BATCH A6 BIDNBR A40 BID-DESC G60 CARDNBR A19 NAME G60 AMOUNT N13 LOANTERM N4 INPDATE D8 "
    "CARDNBR-SU A19 CARDNBR-MY A19 CARDNBR-PE A19 RSPCODE A2 RESERVED G100 TRDRESV G100",
    "BID": "BANK A4 BATCH A6 CARDNBR A19 FUISSUER A4 PRODUCT A6 SERI-NO A40 AMOUNT N13 BUYDATE D8 INTDATE D8 INTTYPE A1 "
    "INTPAYDAY A2 ENDDATE D8 YIELD N8 CURR N3 BIDIF A40 RESE G60",
    "BIDRESP": "BANK A4 BATCH A6 CARDNBR A19 FUISSUER A4 PRODUCT A6 SERI-NO A40 AMOUNT N13 NAME G60 DEALDATE D8 RSPCODE A2 "
    "AUTHCODE A20 BIDIF A40 RESE G60",
}
SHAPES = {
    "person": ("APPZX", "APPZXRES", "APPID", ("ACCTYPE", "INFO")),
    "listing": (
        "BIDIN",
        "BIDINRESP",
        "BIDNBR",
        ("BID-DESC", "CARDNBR", "AMOUNT", "LOANTERM", "CARDNBR-SU", "CARDNBR-MY", "CARDNBR-PE", "RESERVED", "TRDRESV"),
    ),
    "debt": ("BID", "BIDRESP", "SERI-NO", ("CARDNBR", "FUISSUER", "PRODUCT", "AMOUNT", "BIDIF", "RESE")),
}
WHO = ("IDNO", "IDTYPE", "NAME", "MOPHONE")
PREFIX = "621246"


def table(name):
    """[(field, sort, start, end)] of a record."""
    words, found, at = LAYOUTS[name].split(), [], 0
    for title, form in zip(words[::2], words[1::2], strict=True):
        found.append((title, form[0], at, at + int(form[1:])))
        at += int(form[1:])
    return found


TABLES = {name: table(name) for name in LAYOUTS}
WIDTH = {name: fields[-1][3] for name, fields in TABLES.items()}


@dataclass
class Known:
    """What was known before this file."""

    names: dict = field(default_factory=dict)  # account -> its owner's name
    taken: dict = field(default_factory=dict)  # account -> user it was given to
    authcodes: set = field(default_factory=set)
    confirmed: set = field(default_factory=set)


@dataclass
class Verdict:
    """`bad`: request records (from 0) whose answers break the file; `whole`: the file's own fault; `rows`: the outcomes."""

    bad: set = field(default_factory=set)
    whole: str = ""
    rows: dict = field(default_factory=dict)  # request record -> (outcome, code, account, authcode)

    @property
    def accepted(self):
        return not self.bad and not self.whole


def lines_of(name, content):
    """The records without line endings; None unless the file is whole records with one sort of line ending."""
    for ending in (b"\n", b"\r\n"):
        step = WIDTH[name] + len(ending)
        if content and len(content) % step == 0:
            lines = [content[at : at + step] for at in range(0, len(content), step)]
            if all(line.endswith(ending) for line in lines):
                return [line[: -len(ending)] for line in lines]
    return None


def raw(name, line):
    return {title: line[start:end] for title, _, start, end in TABLES[name]}


def readable(name, line):
    """Whether every field holds what it may."""
    if any(byte < 0x20 or byte == 0x7F for byte in line):
        return False
    for _, sort, start, end in TABLES[name]:
        piece = line[start:end]
        if sort == "N":
            if not piece.isdigit():
                return False
        elif sort == "G":
            if not piece.isascii():
                try:
                    piece.decode("gbk")
                except UnicodeDecodeError:
                    return False
        elif not piece.isascii() or (sort == "D" and not is_day(piece.decode("ascii"))):
            return False
    return True


def is_day(text):
    text = text.rstrip(" ")
    if not text:
        return True
    if len(text) != 8 or not text.isdigit():
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def text(piece):
    return piece.decode("gbk").rstrip(" ")


def judge(kind, request, result, batch_no, known, institution="000187"):
    """The whole file."""
    sent_name, result_name, key, echoes = SHAPES[kind]
    lines = lines_of(result_name, result)
    if lines is None:
        return Verdict(whole="no whole records")
    sent = [raw(sent_name, line) for line in lines_of(sent_name, request)]
    place = {fields[key]: number for number, fields in enumerate(sent)}
    verdict = Verdict()
    answered = {}
    for number, line in enumerate(lines):
        fields = raw(result_name, line)
        at = place.get(fields[key]) if readable(result_name, line) else None
        if at is None or at in answered:
            verdict.bad.add(number)  # an answer about nobody, or a second one
            if at is not None:
                verdict.bad.add(at)
            continue
        answered[at] = fields
    verdict.bad |= set(range(len(sent))) - set(answered)
    for at, fields in answered.items():
        found = one(kind, sent[at], fields, echoes, batch_no, known, institution)
        if found is None:
            verdict.bad.add(at)
        else:
            verdict.rows[at] = found
    _given_once(verdict, 2)
    _given_once(verdict, 3)
    return verdict


def _given_once(verdict, column):
    """An account number and an authorisation code belong to one."""
    holders = {}
    for at, row in verdict.rows.items():
        if row[column]:
            holders.setdefault(row[column], []).append(at)
    for places in holders.values():
        if len(places) > 1:
            verdict.bad |= set(places)


def one(kind, sent, got, echoes, batch_no, known, institution):
    """One answer: (outcome, code, account, authcode), or None when it breaks the file."""
    if any(sent[name] != got[name] for name in echoes):
        return None
    if kind == "person":
        return account(sent, got, known)
    if got["BANK"] != b"3005" or got["BATCH"] != batch_no.encode():
        return None
    code = got["RSPCODE"].decode("ascii")
    if " " in code:
        return None
    name, owner = text(got["NAME"]), known.names.get(text(got["CARDNBR"]))
    if name and owner is not None and name != owner:
        return None
    return listing(sent, code, known) if kind == "listing" else debt(got, code, known)


def account(sent, got, known):
    flag, code, number = got["FLAG"], got["ERRCODE"], got["CARDNBR"].decode("ascii")
    same = all(sent[name] == got[name] for name in WHO)
    blank, digits = not code.strip(b" "), code.isdigit()
    if flag not in {b"S", b"F", b"N"} or not (blank or digits) or (flag != b"N" and not same):
        return None
    if flag == b"F":
        reason = digits and code != b"000"
        none = not number.strip(" ") or number == "0" * 19
        return ("refused", code.decode(), None, None) if reason and none else None
    if flag == b"S" and digits and code != b"000":
        return None
    if not same:
        return ("refused", "N", None, None)
    right = (
        len(number) == 19 and number.isdigit() and number.startswith(PREFIX) and luhn_digit(number[:-1]) == number[-1]
    )
    if not right or known.taken.get(number, text(sent["APPID"])) != text(sent["APPID"]):
        return None
    return ("ok", "000", number, None)


def listing(sent, code, known):
    if code == "22":
        return ("ok" if text(sent["BIDNBR"]) in known.confirmed else "unknown", code, None, None)
    return ("ok" if code == "00" else "refused", code, None, None)


def debt(got, code, known):
    if code != "00":
        return ("refused", code, None, None)
    given = got["AUTHCODE"].rstrip(b" ").decode("ascii")
    if not given or " " in given or given in known.authcodes:
        return None
    return ("ok", code, None, given)
