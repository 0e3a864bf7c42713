"""Requests as the platform would write them, built by hand-counted widths (not from the bank's own tables)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migration.sandbox.bank import SandboxBank

if TYPE_CHECKING:
    from pathlib import Path

DAY = "20171118"
FOLDER = "2017/11/18"


def text(value: str, width: int) -> bytes:
    raw = value.encode("gbk")
    assert len(raw) <= width
    return raw + b" " * (width - len(raw))


def person_id(number: int, birth: str = "19900307", sex: str = "M") -> str:
    """A valid 18-digit ID whose 17th digit says the sex."""
    order = number % 500 * 2 + (sex == "M")
    first = f"1101{number // 500 % 100:02d}{birth}{order:03d}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return first + "10X98765432"[sum(w * int(c) for w, c in zip(weights, first, strict=True)) % 11]


def account(
    app_id: str,
    id_no: str,
    *,
    name: str = "李伟",
    phone: str = "13800000000",
    id_type: str = "01",
    gen: str = "1",
    acctype: str = "0",
    caccount: str = "",
    acc_type: str = "2",
    email: str = "",
    info: str = "",
    raw_name: bytes | None = None,
) -> bytes:
    named = raw_name if raw_name is not None else text(name, 60)
    record = (
        text(id_no, 18) + text(id_type, 2) + named + text(gen, 1) + text(phone, 12) + text(acctype, 1) + text(email, 40)
        + text(app_id, 60) + text("", 9) + text("", 30) + text("", 20) + text(acc_type, 1) + text("", 2)
        + text(info, 100) + text(caccount, 42) + text("", 18) + text("", 17)
    )  # fmt: skip
    assert len(record) == 433
    return record


def company(app_id: str, code: str = "91350100M000100Y43", **others: str) -> bytes:
    given = {"name": "福州某某贸易有限公司", "phone": "13900000001", "caccount": "35050188000000001", **others}
    return account(app_id, code, id_type=given.pop("id_type", "25"), gen=given.pop("gen", ""), acctype="1", **given)


def listing(
    number: str,
    borrower: str,
    *,
    batch: str = "000002",
    bank: str = "3005",
    title: str = "装修借款",
    amount: str = "0000010000000",
    inttype: str = "2",
    payday: str = "",
    term: str = "0180",
    rate: str = "01250000",
    guarantor: str = "",
    nominal: str = "",
    nominal_flag: str = "0",
    payee: str = "",
    entrust: str = "0",
    reserved: str = "",
) -> bytes:
    record = (
        text(bank, 4) + text(batch, 6) + text(number, 40) + text(title, 60) + text(borrower, 19) + text(amount, 13)
        + text(inttype, 1) + text(payday, 2) + text(term, 4) + text(rate, 8) + text(guarantor, 19) + text(nominal, 19)
        + text(nominal_flag, 1) + text(payee, 19) + text(entrust, 1) + text(reserved, 100) + text("", 100)
    )  # fmt: skip
    assert len(record) == 416
    return record


def debt(
    debt_id: str,
    holder: str,
    listing_id: str,
    *,
    batch: str = "000003",
    bank: str = "3005",
    issuer: str = "MP",
    product: str = "",
    serial: str | None = None,
    amount: str = "0000000250000",
    buy: str = "20170601",
    value: str = "20170601",
    inttype: str = "2",
    payday: str = "",
    end: str = "20180601",
    rate: str = "01250000",
    currency: str = "156",
) -> bytes:
    record = (
        text(bank, 4) + text(batch, 6) + text(holder, 19) + text(issuer, 4) + text(product, 6)
        + text(serial if serial is not None else "0001870000" + debt_id, 40) + text(amount, 13) + text(buy, 8)
        + text(value, 8) + text(inttype, 1) + text(payday, 2) + text(end, 8) + text(rate, 8) + text(currency, 3)
        + text(listing_id, 40) + text("", 60)
    )  # fmt: skip
    assert len(record) == 230
    return record


def authorisation(serial: str, holder: str, *, batch: str = "000004", kind: str = "1", time: str = "093000") -> bytes:
    record = (
        text("3005", 4) + text(batch, 6) + text(holder, 19) + text("MP", 4) + text(kind, 1) + text(serial, 40)
        + text("20170601", 8) + text(time, 6) + text("", 100) + text("", 100)
    )  # fmt: skip
    assert len(record) == 288
    return record


NAMES = {
    433: ("3005-APPZX0110-{}-" + DAY, "3005-APPZX0110RES-{}-" + DAY),
    416: ("3005-BIDIN-000187-{}-" + DAY, "3005-BIDINRESP-000187-{}-" + DAY),
    230: ("3005-BID-{}-" + DAY, "3005-BIDRESP-{}-" + DAY),
    288: ("3005-MP-SIGTRAN-{}-" + DAY, "3005-MP-SIGRES-{}-" + DAY),
}


class Town:
    """A bank over a folder, and the platform's side of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root / "exchange"
        self.state = root / "state"
        self.faults: Path | None = None
        self.said: list[str] = []
        self.options: dict[str, object] = {}
        self.now = 1000.0
        self._bank: SandboxBank | None = None

    @property
    def bank(self) -> SandboxBank:
        if self._bank is None:
            self._bank = SandboxBank(
                self.directory,
                self.state,
                self.faults,
                announce=self.said.append,
                clock=lambda: self.now,
                **self.options,
            )
        return self._bank

    def restart(self) -> None:
        if self._bank is not None:
            self._bank.close()
        self._bank = None

    def plan(self, content: str) -> None:
        """Write the fault plan; a new inode, as an editor does."""
        path = self.root / "faults.toml"
        fresh = self.root / "faults.new"
        fresh.write_text(content, "utf-8")
        fresh.replace(path)
        self.faults = path

    def place(self, *parts: str) -> Path:
        path = self.directory.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, batch: str, *records: bytes, eol: bytes = b"\n") -> Path:
        request, result = NAMES[len(records[0])]
        self.place("out", FOLDER, request.format(batch)).write_bytes(b"".join(r + eol for r in records))
        return self.place("in", FOLDER, result.format(batch))

    def ask(self, batch: str, *records: bytes, eol: bytes = b"\n") -> list[bytes]:
        """Deliver, let the bank work, and read the records of the answer."""
        result = self.put(batch, *records, eol=eol)
        self.bank.tick()
        content = result.read_bytes()
        assert content.endswith(eol)
        return content[: -len(eol)].split(eol)

    def open_customers(self, count: int, batch: str = "000001") -> list[str]:
        """Open accounts for persons U0, U1, ... and return their numbers."""
        records = [account(f"U{n}", person_id(n), phone=f"138{n:08d}") for n in range(count)]
        return [answer[:19].decode() for answer in self.ask(batch, *records)]
