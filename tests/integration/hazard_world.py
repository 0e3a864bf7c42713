"""One small platform with every hazard that touches only its item: who and what carries which, and a run over it."""

from __future__ import annotations

from migration.sandbox.generate.numbers import id_with_check
from tests.contract.platforms import Tables, row
from tests.support.platform import company, joined, loan
from tests.support.platform import person as plain_person

ABOLISHED = "990101"
LONG_NUMBER = "L" + "9" * 40
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def person(number: int, **changes: object) -> dict[str, object]:
    """The person `number` of the small platform, with changes of any column."""
    return {**plain_person(number), **changes}


def ending_in_x() -> str:
    """A valid ID number that ends in X."""
    return next(number for n in range(1, 999) if (number := id_with_check(f"11010119790202{n:03d}")).endswith("X"))


def born(day: str, number: int) -> str:
    """A valid ID number of somebody born on a day (YYYYMMDD)."""
    return id_with_check(f"110101{day}{number:03d}")


def same(number: int, other: int, **changes: object) -> dict[str, object]:
    """Another account of person `number`, with the id and phone of `other`."""
    one = person(number)
    return {**person(other), "name": one["name"], "id_no": one["id_no"], **changes}


def _users() -> list[dict[str, object]]:
    x = ending_in_x()
    return [
        *(person(n) for n in (1, 2, 3)),
        # H1: one ID, several phones; and names that disagree
        person(11), same(11, 12), person(13), same(13, 14, name="不同名"),
        # H2: one phone, several IDs
        person(21), person(22, phone=person(21)["phone"]),
        # H3: 15 and 18 digits
        person(31), same(31, 32, id_type="id_card_15", id_no="110101800101031"),
        # H4: lower-case x, spaces, full-width digits
        person(41, name="周全", id_no=x),
        person(42, name="周 全", id_no=f" {x[:6].translate(FULL_WIDTH)} {x[6:].lower()}"),
        person(43, phone="+86 138 0000 0043"),
        # H5: region abolished, born in the future, wrong check digit
        person(51, id_no=id_with_check(f"{ABOLISHED}19800101051")),
        person(52, id_no=born("20180101", 52)),
        person(53, id_no=person(53)["id_no"][:17] + ("0" if person(53)["id_no"][17] != "0" else "1")),
        # H6: eighteen today, eighteen tomorrow
        person(61, id_no=born("19991118", 61)), person(62, id_no=born("19991119", 62)),
        # H7: characters and dots that GBK lacks, NBSP, compatibility forms; the right dot
        person(71, name="王䶮"), person(72, name="艾力•买买提"), person(73, name="王\u00a0五"),
        person(74, name="王\uf92c"), person(75, name="艾力·买买提"),
        # H8: names over 60 bytes; brackets of either width
        person(81, name="长" * 31),
        {**company(82), "name": "某某（中国）有限公司"},
        {**company(82), "name": "某某(中国)有限公司", "user_id": "C83", "phone": "13900000083"},
        # H9: sex wrong, sex missing
        person(91, sex="F"), person(92, sex=None),
        # H10: leading zeros
        person(101, user_id="0010"),
        # H12: an account opened elsewhere, by himself and by somebody else
        person(121), person(122),
        # H14: companies without a bank account, with a wrong credit code
        company(141, corporate_account=None), {**company(142), "id_no": "91350100M000100Y44"},
        # H15: parties without an account
        person(151, verified_at=None), person(152), same(152, 153),
        # H20, H21
        {**person(211), "kind": "platform", "user_id": "P1", "verified_at": None},
        # H27: an impossible date that decides
        person(271, verified_at="0000-00-00 00:00:00"), person(272, last_active_at="0000-00-00 00:00:00"),
        # closed without anything, closed with cash
        person(281, status="closed"), person(282, status="closed"),
    ]  # fmt: skip


def _loans() -> list[Tables]:
    plain = {"U2": "60.00"}
    return [
        loan(1, "U1", {"U2": "1000.00", "U3": "0.01"}),
        loan(11, "U1", {"U11": "100.00", "U12": "50.00", "U13": "10.00"}),
        loan(21, "U1", {"U21": "10.00"}),
        loan(31, "U1", {"U31": "20.00", "U32": "30.00"}),
        _titled(loan(71, "U1", plain), "借款䶮"),
        _titled(loan(81, "U1", plain), "借" * 31),
        loan(121, "U1", {"U121": "1.00", "U122": "2.00"}),
        loan(151, "U151", plain), loan(152, "U1", plain, guarantor_id="U151"), loan(153, "U1", plain, payee_id="U151"),
        loan(154, "U1", {"U1": "5.00", "U2": "6.00"}), loan(155, "U152", {"U153": "7.00"}),
        _named(loan(161, "U1", plain), LONG_NUMBER), _named(loan(162, "U1", plain), "LcaseA"),
        _named(loan(163, "U1", plain), "LcaseB"),
        # H17: partly repaid, prepaid, one cent apart, open debt on a finished listing, nothing left, interest only
        _paid(loan(171, "U1", plain), principal="100.00", principal_paid="40.00"),
        _paid(loan(172, "U1", plain), principal="60.01"),
        loan(173, "U1", plain, status="finished"),
        _debt(loan(174, "U1", {"U2": "0.00", "U3": "9.00"}), 0, interest="0.00"),
        _debt(loan(175, "U1", {"U2": "0.00", "U3": "9.00"}), 0, interest="0.01"),
        _debt(loan(176, "U1", {"U2": "0.00", "U3": "9.00"}), 0, status="finished"),
        # H18: overdue whatever the status says; due on the business date; late, but not mature
        loan(181, "U1", plain, maturity_date="2017-11-17"), loan(182, "U1", plain, maturity_date="2017-11-18"),
        loan(183, "U1", plain, status="overdue"),
        # H19: what was never lent out
        _bare(loan(191, "U1", {}, status="raising", amount="50.00")),
        _bare(loan(192, "U1", {}, status="full", amount="50.00")),
        _bare(loan(193, "U1", {}, status="cancelled", amount="50.00")),
        _debt(loan(201, "U1", plain), 0, bonus_interest="5.00"),
        loan(211, "U1", {"P1": "8.00", "U2": "1.00"}), loan(212, "U1", plain, guarantor_id="P1"),
        # H22: the guarantor has advanced and holds the debt now
        _debt(loan(221, "U1", {"U3": "11.00"}, guarantor_id="U3"), 0, origin="assignment"),
        # H24: valid, though above 21,474,836.47
        loan(241, "U1", {"U2": "30000000.00"}),
        # H25: nobody and nothing behind the row
        loan(251, "U1", {"U2": "3.00", "NOBODY": "4.00"}), loan(252, "NOBODY", {"U2": "5.00"}),
        {"debts": [row("debts", debt_id="STRAY", listing_id="NOWHERE", lender_id="U2", principal="6.00")]},
        # H27: an impossible date in a used column of a listing and of a debt
        loan(271, "U1", plain, maturity_date="0000-00-00"),
        _debt(loan(272, "U1", plain), 0, acquired_on="0000-00-00"),
        _debt(loan(273, "U1", plain, status="finished"), 0, status="finished", acquired_on="0000-00-00"),
    ]  # fmt: skip


def _named(part: Tables, key: str) -> Tables:
    """The same listing under another number."""
    key = {"LcaseB": "LCASEa", "LcaseA": "LcaseA"}.get(key, key)
    return {entity: [{**r, "listing_id": key} for r in rows] for entity, rows in part.items()}


def _titled(part: Tables, title: str) -> Tables:
    return {**part, "listings": [{**part["listings"][0], "title": title}]}


def _paid(part: Tables, **changes: object) -> Tables:
    return {**part, "schedules": [{**part["schedules"][0], **changes}]}


def _debt(part: Tables, at: int, **changes: object) -> Tables:
    rows = [{**r, **changes} if i == at else r for i, r in enumerate(part["debts"])]
    return {**part, "debts": rows}


def _bare(part: Tables) -> Tables:
    return {"listings": part["listings"]}


def world() -> Tables:
    """The platform."""
    cash = [
        row("escrow_accounts", escrow_id="E11", user_id="U11", available="1.00"),
        row("escrow_accounts", escrow_id="E12", user_id="U12", available="2.00", frozen="0.50"),
        row("escrow_accounts", escrow_id="E1", user_id="U1", available="0.00", frozen="12.00"),
        row("escrow_accounts", escrow_id="E282", user_id="U282", available="0.01"),
        row("escrow_accounts", escrow_id="E0", user_id="U3", available="0.00"),
        row("escrow_accounts", escrow_id="ESTRAY", user_id="NOBODY", available="9.00"),
    ]
    flight = [
        row("in_flight", id="F1", kind="top_up", user_id="U2", amount="5.00"),
        row("in_flight", id="F2", kind="withdrawal", user_id="U1", amount="7.00"),
        row("in_flight", id="F3", kind="bid", user_id="U1", amount="3.00"),
        row("in_flight", id="F4", kind="assignment", user_id="U1", amount="2.00"),
    ]
    lapsing = [
        row("authorisations", serial="S1", user_id="U2"),
        row("authorisations", serial="S2", user_id="NOBODY"),
    ]
    return joined(
        {"users": _users(), "escrow_accounts": cash, "in_flight": flight, "authorisations": lapsing}, *_loans()
    )
