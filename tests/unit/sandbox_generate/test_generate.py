"""The generator: valid numbers, coherent loans, every hazard where it was named, the same rows for the same seed."""

import json
import math
import os
import sqlite3
from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from migration.sandbox.generate import ALL, ONLY_BY_NAME, generate, loans, numbers
from migration.sandbox.generate.__main__ import main
from migration.sandbox.generate.hazards import LISTING_TRAPS, USER_TRAPS, chosen

SIZES = {"users": 2000, "listings": 150, "debts": 2500}


def fen(text):
    return int(text.replace(".", ""))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    truth = generate(f"sqlite:///{folder}/all.sqlite", **SIZES, seed=3, hazards="all", truth=folder / "truth.json")
    generate(f"sqlite:///{folder}/clean.sqlite", **SIZES, seed=3, hazards="none")
    return folder, truth


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_same_arguments_give_the_same_rows(made, tmp_path):
    folder, truth = made
    again = generate(f"sqlite:///{tmp_path}/all.sqlite", **SIZES, seed=3, hazards="all")
    assert again == truth == json.loads(json.dumps(truth))
    for table in truth["rows"]:
        assert rows(tmp_path / "all.sqlite", f"SELECT * FROM {table}") == rows(
            folder / "all.sqlite", f"SELECT * FROM {table}"
        )


def test_another_seed_gives_other_rows(made, tmp_path):
    generate(f"sqlite:///{tmp_path}/b.sqlite", **SIZES, seed=4, hazards="all")
    assert rows(tmp_path / "b.sqlite", "SELECT * FROM users") != rows(made[0] / "all.sqlite", "SELECT * FROM users")


def test_sizes_are_what_was_asked(made):
    assert {table: count for table, count in made[1]["rows"].items() if table in SIZES} == SIZES
    for table, count in made[1]["rows"].items():
        assert rows(made[0] / "all.sqlite", f"SELECT count(*) FROM {table}") == [(count,)]


def test_chunks_do_not_change_the_rows(made, tmp_path, monkeypatch):
    monkeypatch.setattr("migration.sandbox.generate.platform._USERS_A_CHUNK", 77)
    monkeypatch.setattr("migration.sandbox.generate.platform._DEBTS_A_CHUNK", 90)
    generate(f"sqlite:///{tmp_path}/c.sqlite", **SIZES, seed=3, hazards="all")
    for table in ("users", "escrow_accounts", "listings", "schedules", "debts"):
        assert rows(tmp_path / "c.sqlite", f"SELECT * FROM {table}") == rows(
            made[0] / "all.sqlite", f"SELECT * FROM {table}"
        )


def differences(path):
    """listing -> fen by which its open debts exceed what its schedule leaves."""
    left = Counter()
    for key, principal, paid in rows(path, "SELECT listing_id, principal, principal_paid FROM schedules"):
        left[key] -= fen(principal) - fen(paid)
    for key, principal in rows(path, "SELECT listing_id, principal FROM debts WHERE status = 'open'"):
        left[key] += fen(principal)
    open_ = {key for (key,) in rows(path, "SELECT listing_id FROM listings WHERE status IN ('repaying', 'overdue')")}
    return {key: value for key, value in left.items() if value and key in open_}


def test_debts_add_up_to_schedules_but_where_a_trap_says_so(made):
    folder, truth = made
    assert differences(folder / "clean.sqlite") == {}
    trapped = {item["key"] for item in truth["planted"]["H17"] if item["what"] == "last_cent"}
    assert trapped
    assert differences(folder / "all.sqlite") == dict.fromkeys(trapped, 1)


def test_schedules_repay_what_was_lent(made):
    lent = dict(rows(made[0] / "all.sqlite", "SELECT listing_id, amount FROM listings"))
    repaid = Counter()
    for key, principal in rows(made[0] / "all.sqlite", "SELECT listing_id, principal FROM schedules"):
        repaid[key] += fen(principal)
    assert repaid == {key: fen(amount) for key, amount in lent.items()}


def test_a_clean_platform_is_clean(made):
    path = made[0] / "clean.sqlite"
    people = rows(path, "SELECT id_no, phone, name FROM users WHERE kind = 'person' AND verified_at IS NOT NULL")
    assert all(numbers.id_with_check(number[:17]) == number for number, _, _ in people)
    assert max(Counter(number for number, _, _ in people).values()) == 1
    assert max(Counter(phone for (phone,) in rows(path, "SELECT phone FROM users")).values()) == 1
    for _, _, name in people:
        assert len(name.encode("gbk")) <= 60
    assert not rows(path, "SELECT 1 FROM debts d JOIN listings l USING (listing_id) WHERE d.lender_id = l.borrower_id")
    assert {status for (status,) in rows(path, "SELECT DISTINCT status FROM listings")} == {"repaying"}
    assert not rows(path, "SELECT 1 FROM listings WHERE maturity_date < '2017-11-18' OR value_date > '2017-11-18'")


def test_some_names_lie_outside_gb2312(made):
    names = "".join(name for (name,) in rows(made[0] / "clean.sqlite", "SELECT name FROM users"))
    assert names.encode("gbk")
    with pytest.raises(UnicodeEncodeError):
        names.encode("gb2312")


def test_all_plants_every_hazard_of_the_tables(made):
    planted = made[1]["planted"]
    assert {item["what"] for items in planted.values() for item in items} >= {
        t.name for t in (*USER_TRAPS, *LISTING_TRAPS)
    }
    assert ONLY_BY_NAME.isdisjoint(planted)
    assert {"top_up", "withdrawal", "bid", "assignment"} == {
        kind for (kind,) in rows(made[0] / "all.sqlite", "SELECT kind FROM in_flight")
    }
    assert rows(made[0] / "all.sqlite", "SELECT 1 FROM debts WHERE bonus_interest <> '0.00' LIMIT 1")


@pytest.mark.parametrize("hazard", sorted({trap.hazard for trap in (*USER_TRAPS, *LISTING_TRAPS)}))
def test_a_hazard_alone_plants_nothing_else(tmp_path, hazard):
    truth = generate(
        f"sqlite:///{tmp_path}/one.sqlite", users=700, listings=40, debts=300, seed=9, hazards=frozenset({hazard})
    )
    assert set(truth["planted"]) - {hazard} == set()
    assert truth["planted"][hazard]


def test_hazards_that_keep_preflight_shut_are_few_and_named(made):
    shut = made[1]["sign_at_preflight"]
    assert {(item["entity"], item["what"]) for item in shut} == {
        ("debts", "debt_without_user"), ("debts", "debt_without_listing"), ("debts", "acquired_on_impossible_date"),
        ("listings", "matures_on_impossible_date"), ("users", "verified_on_impossible_date"),
    }  # fmt: skip
    for item in shut:
        table, column = (
            item["entity"],
            {"users": "user_id", "listings": "listing_id", "debts": "debt_id"}[item["entity"]],
        )
        assert rows(made[0] / "all.sqlite", f"SELECT 1 FROM {table} WHERE {column} = '{item['key']}'")


def test_traps_that_stop_a_run_are_planted_only_by_name(tmp_path):
    url = f"sqlite:///{tmp_path}/stop.sqlite"
    truth = generate(url, users=200, listings=10, debts=100, seed=1, hazards="H11,H13,H24,H26,H28")
    money = {
        value
        for (value,) in rows(tmp_path / "stop.sqlite", "SELECT principal FROM debts UNION SELECT interest FROM debts")
    }
    assert {None, "12.345"} <= money
    assert rows(tmp_path / "stop.sqlite", "SELECT user_id FROM users GROUP BY 1 HAVING count(*) > 1")
    assert rows(tmp_path / "stop.sqlite", "SELECT 1 FROM escrow_accounts WHERE available = '-5.00'")
    assert truth["late_change"].startswith("UPDATE debts")
    assert [rule["how"] for rule in truth["bank_faults"]["corrupt"]] == ["echo", "missing", "double", "account"]


@pytest.mark.parametrize(
    ("given_as", "names"),
    [
        ("none", set()),
        ("H1, H3", {"H1", "H3"}),
        ("all", ALL - ONLY_BY_NAME),
        ("all,H24", (ALL - ONLY_BY_NAME) | {"H24"}),
    ],
)
def test_hazards_by_name(given_as, names):
    assert chosen(given_as) == names


def test_bad_arguments(tmp_path, capsys):
    with pytest.raises(ValueError, match="H29"):
        chosen("H1,H29")
    with pytest.raises(ValueError, match="3 debts a listing"):
        generate(f"sqlite:///{tmp_path}/x.sqlite", users=100, listings=10, debts=10, seed=1)
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "--users",
                "1",
                "--listings",
                "1",
                "--debts",
                "1",
                "--seed",
                "1",
                "--url",
                f"sqlite:///{tmp_path}/x.sqlite",
            ]
        )
    assert stopped.value.code == 2
    assert "20 users" in capsys.readouterr().err


def test_command_prints_the_rows(tmp_path, capsys):
    arguments = ["--users", "80", "--listings", "2", "--debts", "12", "--seed", "1", "--hazards", "none"]
    assert main([*arguments, "--url", f"sqlite:///{tmp_path}/x.sqlite", "--truth", str(tmp_path / "truth.json")]) == 0
    assert "debts" in capsys.readouterr().out
    assert json.loads((tmp_path / "truth.json").read_text("utf-8"))["planted"] == {}


def test_reference_instalments():
    """12,000 at 15 % over 12 months: 1,083.09 a month; last 1,069.78 + 13.31; interest in total 997.08 (domain.md)."""
    one = loans.schedule(np.array([1_200_000]), np.array([1500]), np.array([12]), np.array([loans.EQUAL_INSTALMENT]))
    assert set((one.principal + one.interest).tolist()) == {108_309}
    assert (one.principal[-1], one.interest[-1], one.interest.sum()) == (106_978, 1_331, 99_708)


@given(
    amount=st.integers(10_000, 5_000_000_000),
    rate=st.integers(1, 3600),
    months=st.integers(1, 60),
    method=st.integers(0, 3),
)
def test_schedules_never_lose_a_fen(amount, rate, months, method):
    one = loans.schedule(*(np.array([value]) for value in (amount, rate, months, method)))
    assert one.principal.sum() == amount
    assert (one.principal >= 0).all()
    assert (one.interest >= 0).all()
    assert one.period.tolist() == list(range(1, (1 if method == loans.AT_MATURITY else months) + 1))


def test_share_is_truncated_and_the_first_debt_absorbs_the_rest():
    shares = loans.share(np.array([100, 7]), np.array([1, 1, 1, 2, 0]), np.array([0, 0, 0, 1, 1]), np.array([0, 3]))
    assert shares.tolist() == [34, 33, 33, 7, 0]


def test_month_later_keeps_to_the_end_of_the_month():
    days = np.array(["2017-01-31", "2016-01-31", "2017-11-18"], dtype="datetime64[D]")
    assert loans.month_later(days, np.array([1, 1, -12])).astype(str).tolist() == [
        "2017-02-28",
        "2016-02-29",
        "2016-11-18",
    ]


def test_numbers_never_repeat():
    assert math.gcd(numbers._ID_STEP, numbers._ID_SPACE) == math.gcd(numbers._MOBILE_STEP, numbers._MOBILE_SPACE) == 1
    index = np.arange(20_000, dtype=np.int64)
    assert len(set(numbers.id_numbers(index, 1))) == len(set(numbers.phones(index, 1))) == 20_000


def test_check_characters_by_known_numbers():
    assert numbers.id_with_check("11010519491231002") == "11010519491231002X"
    assert numbers.org_code(21435690)[-1] in "0123456789X"
    assert numbers.fifteen("11010519491231002X") == "110105491231002"
    assert numbers.with_birth(15, date(2000, 2, 29))[6:14] == "20000229"
    assert len({numbers.with_birth(n, date(2000, 2, 29)) for n in range(2000)}) == 2000
    assert numbers.ending_in_x("110105194912310021")[17] == "X"


SERVERS = [
    pytest.param("postgresql+psycopg://postgres@127.0.0.1:5432/{}", "postgres", marks=pytest.mark.postgres),
    pytest.param("mysql+pymysql://root@127.0.0.1:3306/{}", "mysql", marks=pytest.mark.mariadb),
]


@pytest.mark.parametrize(("url", "first"), SERVERS)
def test_servers_hold_the_same_platform(made, url, first):
    admin = create_engine(url.format(first), isolation_level="AUTOCOMMIT")
    name = f"generate_{os.getpid()}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        generate(url.format(name), **SIZES, seed=3, hazards="all")
        server = create_engine(url.format(name))
        with server.connect() as connection:
            for table, count in made[1]["rows"].items():
                assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == count
            total = connection.execute(text("SELECT sum(principal) FROM debts")).scalar()
            names = connection.execute(text("SELECT user_id, name FROM users")).fetchall()
        server.dispose()
        assert int(total * 100) == sum(
            fen(value) for (value,) in rows(made[0] / "all.sqlite", "SELECT principal FROM debts")
        )
        assert sorted(map(tuple, names)) == sorted(rows(made[0] / "all.sqlite", "SELECT user_id, name FROM users"))
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()
