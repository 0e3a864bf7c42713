"""The withdrawals in the report: its sums against the tables themselves, both languages, and books that do not close."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import asyncpg
import pyarrow as pa
import pytest

from migration.commands.withdrawn import reported
from migration.reports import pack
from migration.reports.document import Line, Paragraph, Table, Tiles
from migration.reports.sections import untested, withdrawn
from migration.withdrawals.database import install, parameters
from migration.withdrawals.sqlfiles import query
from tests.support.withdrawing import DEAR, NOON, opening, world
from tests.unit.reports.material_kit import material

RESIDUALS = {"E1": 100_000, "E2": 50_000, "E3": 7, "E4": 0, "E5": 900_000}


async def lived(url) -> None:
    """Four days: E1 paid and later reversed, E2 returned and asked again, E5 paid in part; E3 is never touched."""
    rows = [opening(escrow, fen=fen, frozen_fen=3) for escrow, fen in RESIDUALS.items()]
    async with world(url, *rows, tariff=DEAR) as made:

        async def end(one, state: str) -> None:
            async with made.own.transaction() as connection:
                await connection.execute(query("in_transit"), one.id, made.clock())
                await connection.execute(query("finish"), one.id, state, "", made.clock())

        first = await made.ask(90_000, escrow="E1", key="1")
        second = await made.ask(40_000, escrow="E2", key="2")
        made.clock.go(hours=14)  # 02:00 of the next day in Beijing
        await end(first, "paid")
        await end(second, "returned")
        await end(await made.ask(500_000, escrow="E5", key="3"), "paid")
        made.clock.go(days=2)
        await end(first, "reversed")
        await made.ask(45_000, escrow="E2", key="4")


@pytest.fixture
def found(pg_url):
    """The books as the report gets them, and a material around them."""
    asyncio.run(lived(pg_url))
    books = reported(pg_url)
    assert books is not None
    claim = {
        "residuals": pa.table(
            {
                "escrow_id": list(RESIDUALS),
                "available_fen": pa.array(RESIDUALS.values(), pa.int64()),
                "frozen_fen": pa.array([3] * 5, pa.int64()),
                "legacy_user_id": ["U1"] * 5,
                "entitled_user_id": ["U1"] * 5,
                "status": ["available"] * 5,
            }
        )
    }
    base = material()
    return replace(base, withdrawn=books, claim={**base.claim, **claim}, made_at=NOON + timedelta(days=200))


def ask(url, sql):
    async def body():
        connection = await asyncpg.connect(**parameters(url))
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(body())


def tables(section):
    return {block.title: block for block in section.blocks if isinstance(block, Table)}


def test_its_sums_are_those_of_the_tables(found, pg_url):
    section = withdrawn.build(found, "en")
    shown = tables(section)
    (sums,) = ask(pg_url, "SELECT count(*), sum(opening_fen)::bigint, sum(paid_fen)::bigint, sum(in_transit_fen)::bigint,"
                          " sum(left_fen)::bigint FROM withdrawals.account")  # fmt: skip
    tiles = next(block for block in section.blocks if isinstance(block, Tiles)).tiles
    assert tuple(tile.value for tile in tiles) == (*sums, 0)
    assert sums[1] == sum(RESIDUALS.values())
    days = list(shown["By day"].rows)
    assert days[-1][1:5] == sums[1:]
    by_state = ask(pg_url, "SELECT state, count(*), sum(amount_fen)::bigint, sum(fee_fen)::bigint, count(free_month)"
                           " FROM withdrawals.withdrawal GROUP BY 1 ORDER BY 1")  # fmt: skip
    said = {"paid": "Paid", "requested": "requested", "returned": "returned", "reversed": "reversed"}
    *rows, total = shown["Withdrawals by state"].rows
    assert rows == [(said[state], *rest) for state, *rest in by_state]
    assert total[1:] == tuple(sum(row[at] for row in by_state) for at in range(1, 5))
    assert total[3] > 0  # there were fees
    accounts = ask(pg_url, "SELECT escrow_id, opening_fen, paid_fen, in_transit_fen, left_fen, frozen_fen"
                           " FROM withdrawals.account ORDER BY 1")  # fmt: skip
    assert [tuple(row)[:6] for row in shown["Account by account"].rows] == accounts
    moved = ask(pg_url, "SELECT kind, count(*), sum(fen)::bigint FROM withdrawals.movement GROUP BY 1 ORDER BY 1")
    names = {"opening": "Opening", "paid": "Paid", "reserved": "reserved"}
    assert list(shown["Movements"].rows) == [(names.get(kind, kind), *rest) for kind, *rest in moved]


def test_every_day_is_there_and_the_curve_is_the_table(found):
    """What a day ends with, reckoned by hand; also days on which nothing moved."""
    section = withdrawn.build(found, "zh")
    days = [tuple(row)[:5] for row in tables(section)["每日汇总"].rows]
    one, two, five = 90_000 + 300, 40_000 + 300, 500_000 + 1_500  # 3 yuan up to 1,000 yuan, 0.3 % above
    whole = sum(RESIDUALS.values())
    assert days[:4] == [
        ("2026-11-20", whole, 0, one + two, whole - one - two),
        ("2026-11-21", whole, one + five, 0, whole - one - five),
        ("2026-11-22", whole, one + five, 0, whole - one - five),
        ("2026-11-23", whole, five, 45_300, whole - five - 45_300),
    ]
    assert len(days) == 201  # to the day of the report
    assert days[-1][1:] == days[3][1:]
    (curve,) = [block for block in section.blocks if isinstance(block, Line)]
    assert [s.values for s in curve.series] == [[day[at] for day in days] for at in (4, 3, 2)]
    assert list(curve.labels) == [day[0] for day in days]


def test_dormant_is_what_nobody_touched_and_what_has_been_quiet(found):
    rows = list(tables(withdrawn.build(found, "en"))["Dormant"].rows)
    assert rows == [
        ("not touched since the opening", 1, 7),
        (f"no movement since {date(2026, 11, 20) + timedelta(days=110)}", 3, 100_000 + 4_700 + 398_500),
    ]
    soon = replace(found, made_at=NOON + timedelta(days=5))
    assert [row[1] for row in tables(withdrawn.build(soon, "en"))["Dormant"].rows] == [1, 0]


@pytest.mark.parametrize(
    ("language", "closes", "handed"),
    [
        ("zh", "账本关口：5 户全部平衡。", "逐户一致"),
        ("en", "all 5 accounts close", "this cutover's residual balances"),
    ],
)
def test_the_gate_and_the_hand_over_in_both_languages(found, language, closes, handed):
    said = [b for b in withdrawn.build(found, language).blocks if isinstance(b, Paragraph) and not b.lead]
    assert closes in said[0].text
    assert handed in said[1].text
    assert {paragraph.tone for paragraph in said} == {"good"}
    assert pack.verdict(material(withdrawn=found.withdrawn)) == pack.verdict(material()) == "complete"


@pytest.mark.parametrize(
    ("column", "value"), [("left_fen", 8), ("differs", True)]
)  # a fen too much; movements that say something else
def test_an_account_that_does_not_close_breaks_the_report(found, column, value):
    accounts = found.withdrawn.accounts
    values = accounts[column].to_pylist()
    values[2] = value
    at = accounts.schema.get_field_index(column)
    broken = replace(found.withdrawn, accounts=accounts.set_column(at, accounts.field(at), pa.array(values)))
    found = replace(found, withdrawn=broken)
    section = withdrawn.build(found, "en")
    said = [b for b in section.blocks if isinstance(b, Paragraph)]
    assert ("1 accounts do not close" in said[1].text, said[1].tone) == (True, "bad")
    first, *others = tables(section)["Account by account"].rows
    assert (first[0], first[-1].tone) == (accounts["escrow_id"][2].as_py(), "bad"), "what does not close comes first"
    assert [row[-1].tone for row in others] == ["good"] * 4
    assert pack.verdict(material(withdrawn=broken)) == "broken"


def test_another_opening_than_the_cutover_left_is_told(found):
    claim = dict(found.claim)
    values = [100_001, 50_000, 7, 0, 900_000]
    claim["residuals"] = claim["residuals"].set_column(1, "available_fen", pa.array(values, pa.int64()))
    said = [b for b in withdrawn.build(replace(found, claim=claim), "en").blocks if isinstance(b, Paragraph)]
    assert (said[2].text.split()[0], said[2].tone) == ("1", "bad")


def test_when_they_were_never_opened_there_is_no_section_and_it_is_said(pg_url):
    assert reported(pg_url) is None
    assert ask(pg_url, "SELECT to_regnamespace('withdrawals')") == [(None,)]  # looking made nothing
    asyncio.run(install(pg_url))
    assert reported(pg_url) is None  # the tables alone are no books
    base = material()
    assert withdrawn.build(base, "en") is None
    assert any("not opened yet" in line for line in untested.untested(base, "en"))
    assert any("尚未开通" in line for line in untested.untested(base, "zh"))


def test_who_writes_the_report_reads_sums_and_no_card(found, pg_url):
    """As the login of least privilege: the same books, and the card is denied."""
    made = "DO $$ BEGIN CREATE ROLE night_reporter LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    ask(pg_url, made)
    ask(pg_url, "GRANT cutover_reporter TO night_reporter")
    login = pg_url.replace("postgres@", "night_reporter@")
    assert login != pg_url
    books = reported(login)
    assert books.accounts.equals(found.withdrawn.accounts)
    assert books.states.equals(found.withdrawn.states)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask(login, "SELECT card FROM withdrawals.account")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask(login, "SELECT user_id FROM withdrawals.withdrawal")
