"""Good requests and answers, and ways to spoil them: lines that keep their length, files that do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from tests.oracle.bank import luhn_digit
from tests.oracle.results import LAYOUTS, SHAPES, TABLES, WIDTH, Known

DAY = date(2017, 11, 18)
BATCH = "000007"
NAMES = ("张三丰", "阿依古丽·亅乗", "欧阳乗", "王五", "ZHANG SAN", "魡")
HIGH = bytes(range(0x81, 0xFF))


@dataclass
class Exchange:
    """A request of one kind and its good answers, line by line, in the request's order."""

    kind: str
    request: list[bytes]
    answers: list[bytes]
    known: Known


def number(n: int) -> str:
    body = f"621246{n:012d}"
    return body + luhn_digit(body)


def line(name: str, values: dict) -> bytes:
    found = b""
    for title, sort, start, end in TABLES[name]:
        value = values.get(title, b"")
        value = value if isinstance(value, bytes) else str(value).encode("gbk")
        found += value.rjust(end - start, b"0") if sort == "N" else value.ljust(end - start)
    assert len(found) == WIDTH[name]
    return found


def exchange(kind: str, count: int, random: Random) -> Exchange:
    """`count` records and what a bank would answer; some refused, some opened elsewhere, some known before."""
    sent_name, result_name, _key, _ = SHAPES[kind]
    known, request, answers = Known(), [], []
    for n in range(count):
        name = random.choice(NAMES)
        values = {
            "BANK": "3005", "BATCH": BATCH, "IDNO": f"1101011990{n:08d}", "IDTYPE": "01", "NAME": name, "GEN": "1",
            "MOPHONE": f"138{n:08d}", "ACCTYPE": "0", "ACC-TYPE": "2", "BIDNBR": f"L{n:06d}", "BID-DESC": f"{name}借款",
            "CARDNBR": number(n), "AMOUNT": random.randrange(10**9), "INTTYPE": "0", "LOANTERM": 365, "YIELD": 1250000,
            "MBORROW-YN": "0", "ENTRUST-YN": "0", "CARDNBR-SU": number(n + 1) if n % 3 else "", "FUISSUER": "MP",
            "SERI-NO": f"0001870000D{n:07d}", "BUYDATE": "20170301", "INTDATE": "20170301", "ENDDATE": "20180301",
            "CURR": 156, "BIDIF": f"L{n % 7:06d}", "APPID": f"U{n:08d}", "CARDNBR-PE": "",
        }  # fmt: skip
        sent = {title: value for title, value in values.items() if title in {f[0] for f in TABLES[sent_name]}}
        if kind == "person":
            sent.pop("CARDNBR", None)
        good = {title: value for title, value in sent.items() if title in {f[0] for f in TABLES[result_name]}}
        chance = random.random()
        good |= {
            "FLAG": "F" if chance < 0.1 else "N" if chance < 0.3 else "S",
            "ERRCODE": "106" if chance < 0.1 else "000",
            "RSPCODE": "99" if chance < 0.1 else "22" if chance < 0.2 and kind == "listing" else "00",
            "AUTHCODE": f"A{n:019d}",
            "INPDATE": "20171118",
            "DEALDATE": "" if chance > 0.9 else "20171118",
            "CARDNBR": "" if kind == "person" and chance < 0.1 else values["CARDNBR"],
        }
        if chance > 0.5:
            known.names[values["CARDNBR"]] = name
        if kind != "person" and chance < 0.3:
            good["NAME"] = ""
        if 0.9 < chance < 0.95:
            known.taken[values["CARDNBR"]] = values["APPID"]
            known.confirmed.add(values["BIDNBR"])
        request.append(line(sent_name, sent))
        answers.append(line(result_name, good))
    known.taken[number(10**6)] = "SOMEBODY"
    known.authcodes.add("A" + "9" * 19)
    return Exchange(kind, request, answers, known)


# --- lines: the length stays


def spoil(answer: bytes, other: bytes, kind: str, random: Random) -> bytes:
    """One or two changes."""
    for _ in range(1 if random.random() < 0.8 else 2):
        answer = random.choice(LINES)(answer, other, TABLES[SHAPES[kind][1]], random)
    return answer


def _put(answer: bytes, at: int, piece: bytes) -> bytes:
    return (answer[:at] + piece + answer[at + len(piece) :])[: len(answer)]


def _bit(answer, _other, _fields, random):
    at = random.randrange(len(answer))
    return _put(answer, at, bytes([answer[at] ^ (1 << random.randrange(8))]))


def _byte(answer, _other, _fields, random):
    return _put(answer, random.randrange(len(answer)), bytes([random.randrange(256)]))


def _digit(answer, _other, _fields, random):
    return _put(answer, random.randrange(len(answer)), b"%d" % random.randrange(10))


def _blank(answer, _other, fields, random):
    _, _, start, end = random.choice(fields)
    return _put(answer, start, b" " * (end - start))


def _zeros(answer, _other, fields, random):
    _, _, start, end = random.choice(fields)
    return _put(answer, start, b"0" * (end - start))


def _neighbour(answer, other, fields, random):
    _, _, start, end = random.choice(fields)
    return _put(answer, start, other[start:end])


def _shifted(answer, _other, fields, random):
    _, _, start, end = random.choice(fields)
    piece = answer[start:end]
    return _put(answer, start, piece[1:] + piece[:1] if random.random() < 0.5 else piece[-1:] + piece[:-1])


def _swapped(answer, _other, _fields, random):
    at = random.randrange(len(answer) - 1)
    return _put(answer, at, answer[at : at + 2][::-1])


def _half(answer, _other, fields, random):
    """Half a GBK character at a field's end, or at its beginning."""
    _, _, start, end = random.choice(fields)
    return _put(answer, random.choice((start, end - 1)), bytes([random.choice(HIGH)]))


def _character(answer, _other, fields, random):
    """A GBK character anywhere in a text field, also |, \\ and unassigned pairs as its second byte."""
    _, _, start, end = random.choice([f for f in fields if f[1] == "G"])
    pair = bytes([random.choice(HIGH), random.choice((0x7C, 0x5C, 0x40, 0x7F, 0xFE, 0xFF, random.randrange(256)))])
    return _put(answer, random.randrange(start, end - 1), pair)


def _special(answer, _other, fields, random):
    """What the interface gives a meaning."""
    found = {title: (start, end) for title, _, start, end in fields}
    choices = {
        "FLAG": b"SFNX ", "ERRCODE": (b"000", b"106", b"   ", b"1 6", b"0"), "RSPCODE": (b"00", b"22", b"99", b" 0", b"0 "),
        "CARDNBR": (*tuple(number(n).encode() for n in (3, 10 ** 6, 5)), b"6212460000000000001", b"6212470000000000016"),
        "AUTHCODE": (b" A1", b"A 1", b"A" + b"9" * 19, b"A1", b""), "BATCH": (b"000008", b"7"), "BANK": (b"3006",),
        "INPDATE": (b"20170229", b"20171131", b"0", b"2017-1-1", b"20160229"), "DEALDATE": (b"99991231", b"00010101", b"00000101"),
        "ACCTYPE": b"1", "AMOUNT": (b"0000000000000", b"+000000000001", b"0000000000_01"),
    }  # fmt: skip
    title = random.choice([name for name in choices if name in found])
    value = random.choice([bytes([v]) if isinstance(v, int) else v for v in choices[title]])
    start, end = found[title]
    return _put(answer, start, value.ljust(end - start))


LINES = (
    _bit,
    _byte,
    _digit,
    _blank,
    _zeros,
    _neighbour,
    _shifted,
    _swapped,
    _half,
    _character,
    _special,
    _special,
    _special,
)


# --- files: anything


def spoil_file(exchange: Exchange, random: Random) -> bytes:
    """One to three changes to a good file."""
    ending = random.choice((b"\n", b"\n", b"\r\n"))
    lines = [answer + ending for answer in exchange.answers]
    if random.random() < 0.3:
        random.shuffle(lines)
    content = b"".join(lines)
    for _ in range(random.choice((1, 1, 2, 3))):
        content = random.choice(FILES)(content, lines, exchange, random)
    return content


def _cut(content, _lines, _exchange, random):
    return content[: random.randrange(len(content) + 1)]


def _grown(content, _lines, _exchange, random):
    at = random.randrange(len(content) + 1)
    return content[:at] + bytes(random.randrange(256) for _ in range(random.choice((1, 2, 7)))) + content[at:]


def _dropped(content, _lines, _exchange, random):
    at = random.randrange(len(content) + 1)
    return content[:at] + content[at + random.choice((1, 2, 30)) :]


def _again(_content, lines, _exchange, random):
    return b"".join([*lines, random.choice(lines)])


def _missing(_content, lines, _exchange, random):
    gone = random.randrange(len(lines))
    return b"".join(each for number, each in enumerate(lines) if number != gone)


def _nothing(content, *_):
    return content


def _endings(content, _lines, _exchange, random):
    old, new = random.choice(((b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\n", b"\r"), (b"\n", b" "), (b"\r\n", b"\n\r")))
    return content.replace(old, new, random.choice((-1, 1)))


def _marked(content, _lines, _exchange, random):
    mark = random.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\n", b"\x1a"))
    return mark + content if random.random() < 0.5 else content + mark


def _recoded(content, *_):
    return content.decode("gbk", "replace").encode("utf-8")


def _line(_content, lines, exchange, random):
    at = random.randrange(len(lines))
    ending = b"\r\n" if lines[at].endswith(b"\r\n") else b"\n"
    body = lines[at].removesuffix(ending)
    lines[at] = spoil(body, random.choice(exchange.answers), exchange.kind, random) + ending
    return b"".join(lines)


def _mixed(_content, lines, _exchange, random):
    return b"".join(random.choice(lines) for _ in lines)


def _overwritten(content, _lines, _exchange, random):
    at = random.randrange(len(content) + 1)
    return content[:at] + random.randbytes(random.choice((1, 3, 40))) + content[at + random.choice((1, 3, 40)) :]


FILES = (
    _cut, _grown, _dropped, _again, _missing, _nothing, _endings, _marked, _recoded, _line, _line, _line, _mixed, _overwritten,
)  # fmt: skip

__all__ = ["BATCH", "DAY", "LAYOUTS", "Exchange", "exchange", "spoil", "spoil_file"]
