"""The rehearsal of sample_data/ from the command line: real processes, a real PostgreSQL, the sandbox bank beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from migration.sandbox.bank import dump
from tests.oracle import files, passports

ROOT = Path(__file__).resolve().parents[2]
CUTOVER = Path(sys.executable).with_name("cutover")


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory, embedded, template):
    """One whole rehearsal; its folder."""
    place = tmp_path_factory.mktemp("rehearsal")
    url = embedded.clone(template, f"sample_{os.getpid()}")
    environment = os.environ | {
        "CUTOVER__CUTOVER__WORKSPACE": str(place / "workspace"),
        "CUTOVER__BANK__DIRECTORY": str(place / "bank"),
        "CUTOVER__STORE__URL": url,
        "CUTOVER_ACTOR": "engineer",
    }
    code = "from migration.demo import rehearse; rehearse.carry_out()"
    bank = subprocess.Popen(
        [
            CUTOVER,
            "--config",
            "sample_data/cutover.toml",
            "sandbox",
            "bank",
            "--faults",
            "sample_data/bank_faults.toml",
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield place, environment
    finally:
        bank.terminate()
        bank.wait(30)


def cutover(environment, *words):
    return subprocess.run(
        [CUTOVER, "--config", "sample_data/cutover.toml", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_exports_equal_the_expected_outcome_and_the_banks_own_ledger(rehearsed):
    place, environment = rehearsed
    assert cutover(environment, "export", "--out", str(place / "out")).returncode == 0
    assert files.differences(files.of_sample(), place / "out") == []
    balance = json.loads((place / "out" / "balance.json").read_text())
    assert balance["difference_fen"] == 0
    held = dump(place / "bank" / "state")
    rows = _csv(place / "out" / "debts.csv")
    registered = {r["debt_id"]: (r["holder_account"], r["principal_fen"], r["authcode"]) for r in rows if r["authcode"]}
    assert {r["debt_id"]: (r["account_no"], str(r["amount_fen"]), r["authcode"]) for r in held["debts"]} == registered
    opened = {r["user_id"]: r["account_no"] for r in _csv(place / "out" / "users.csv") if r["account_no"]}
    assert {r["app_id"]: r["account_no"] for r in held["accounts"] if r["app_id"]} == opened


def test_borrowers_are_told_limit_and_term_of_their_authorisation(rehearsed):
    place, environment = rehearsed
    assert cutover(environment, "export", "--out", str(place / "out")).returncode == 0
    terms = {r["user_id"]: r for r in _csv(place / "out" / "notices_terms.csv")}
    told = [r["user_id"] for r in _csv(place / "out" / "notices.csv") if r["kind"] == "grant_repayment"]
    assert list(terms) == told
    left = [
        int(r["principal_fen"]) - int(r["principal_paid_fen"]) + int(r["interest_fen"]) - int(r["interest_paid_fen"])
        for r in _csv(place / "out" / "schedules.csv")
    ]
    assert sum(int(r["limit_fen"]) for r in terms.values()) == sum(left)
    registered = [r for r in _csv(place / "out" / "listings.csv") if r["disposition"] == "registered"]
    assert sum(int(r["listings"]) for r in terms.values()) == len(registered)
    assert terms["X0902"] == {
        "user_id": "X0902",
        "listings": "1",
        "limit_fen": terms["X0902"]["limit_fen"],
        "until": "2018-06-18",
    }


def test_running_it_again_changes_nothing(rehearsed):
    place, environment = rehearsed
    before = sorted((p.name, p.read_bytes()) for p in (place / "bank" / "out").rglob("3005-*"))
    done = cutover(environment, "run")
    assert done.returncode == 0, done.stderr
    assert sorted((p.name, p.read_bytes()) for p in (place / "bank" / "out").rglob("3005-*")) == before


def test_the_chain_holds_and_the_status_says_done(rehearsed):
    _, environment = rehearsed
    assert cutover(environment, "journal", "verify").returncode == 0
    found = json.loads(cutover(environment, "status", "--json").stdout)
    assert found["done"]
    assert found["exceptions"] == []
    verified = cutover(environment, "verify", "--json")
    assert verified.returncode == 0, verified.stderr


def _csv(path):
    import csv

    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_what_is_left_at_the_escrow_is_opened_for_withdrawal_and_closes(rehearsed):
    place, environment = rehearsed
    assert cutover(environment, "export", "--out", str(place / "out")).returncode == 0
    rows = _csv(place / "out" / "residuals.csv")
    for made in (len(rows), 0):  # again is harmless
        done = cutover(environment, "withdrawals", "open")
        assert (done.returncode, done.stdout.split()[0]) == (0, f"{made:,}"), done.stderr
    done = cutover(environment, "withdrawals", "ledger", "--json")
    assert done.returncode == 0, done.stderr
    ledger = json.loads(done.stdout)
    assert {(a["escrow_id"], a["left_fen"], a["frozen_fen"]) for a in ledger["accounts"]} == {
        (row["escrow_id"], int(row["available_fen"]), int(row["frozen_fen"])) for row in rows
    }
    assert ledger["total"]["difference_fen"] == 0
    told = cutover(environment, "report", "--out", str(place / "opened"), "--language", "en")
    assert told.returncode == 0, told.stderr
    (page,) = (place / "opened").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert f"all {len(rows):,} accounts close" in text
    assert "The openings are this cutover&#39;s residual balances, account by account." in text
    stop = cutover(
        environment, "withdrawals", "release", "6a000a40-2d59-4dc8-b1da-78bff0e90f85", "--as", "A", "--reason", "x"
    )
    assert (stop.returncode, stop.stderr.split()[0]) == (2, "RELEASE_TOO_EARLY")
    served = cutover(environment, "withdrawals", "serve")
    assert (served.returncode, served.stderr.split()[:2]) == (2, ["CONFIG_REQUIRED", "withdrawals.issuer:"])


KINDS = {
    "opened person": ("users", "X0001"),
    "kept account of a merge": ("users", "X0101"),
    "merged person": ("users", "X0102"),
    "company, corrected and opened again": ("users", "X3801"),
    "unverified, opens himself": ("users", "U0000021"),
    "refused, then corrected": ("users", "X1301"),
    "registered listing": ("listings", "XL01"),
    "excepted listing": ("listings", "XL17SP"),
    "refused listing, sent again": ("listings", "XL18QU"),
    "debt of a merged lender": ("debts", "XL01D2"),
    "refused debt, sent again": ("debts", "XL32D2"),
    "signed exception": ("debts", "XL09D1"),
    "signed at preflight": ("debts", "XL36D1"),
}
SHOW = """
import json, sys
from migration import wiring
from migration.reports import passports
from migration.stages import lives
opened = wiring.desk(wiring.settings(), actor="reader")
opened.begin()
print(json.dumps([passports.passport(lives.life(opened.house, e, k)) for e, k in json.loads(sys.argv[1])], default=str))
opened.close()
"""


@pytest.fixture(scope="module")
def told(rehearsed):
    """The passports of KINDS, after a settlement drill."""
    _, environment = rehearsed
    drilled = cutover(environment, "drill", "settle", "--json")
    assert drilled.returncode == 0, drilled.stderr
    found = subprocess.run(
        [sys.executable, "-c", SHOW, json.dumps(list(KINDS.values()))],
        cwd=ROOT,
        env=environment | {"CUTOVER_CONFIG": "sample_data/cutover.toml"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(drilled.stdout), dict(zip(KINDS, json.loads(found.stdout), strict=True))


def test_the_settlement_drill_of_the_whole_rehearsal(rehearsed, told):
    place, environment = rehearsed
    done, _ = told
    rows = [r for r in _csv(place / "out" / "debts.csv") if r["disposition"] == "registered"]
    due = sum(int(r["principal_fen"]) + int(r["interest_fen"]) for r in rows)
    assert (done["debts"], done["paid"], done["second_uses_refused"]) == (len(rows),) * 3
    assert (done["due_fen"], done["paid_fen"], done["off_fen"], done["findings"]) == (due, due, 0, 0)
    assert done["lenders"] == len({r["holder_user_id"] for r in rows})
    booked = dump(place / "bank" / "state")["repayments"]
    lenders: dict[str, int] = {}
    for row in booked:
        lenders[row["payee"]] = lenders.get(row["payee"], 0) + row["principal"] + row["interest"]
    owed: dict[str, int] = {}
    for row in rows:
        owed[row["holder_account"]] = (
            owed.get(row["holder_account"], 0) + int(row["principal_fen"]) + int(row["interest_fen"])
        )
    assert lenders == owed
    assert len({row["authcode"] for row in booked}) == len(rows)
    shown = json.loads(cutover(environment, "status", "--json").stdout)["drill"]
    assert shown == done


def test_debts_that_the_bank_holds_otherwise_are_found_by_the_drill(rehearsed, told):
    """Wrong code, wrong holder, wrong amount, in the bank's books; put right again afterwards."""
    import sqlite3

    place, environment = rehearsed
    plants = [
        ("UPDATE debts SET authcode = 'A0000000000000000000' WHERE debt_id = 'XL01D2'", "debts/XL01D2"),
        ("UPDATE debts SET account_no = '6212468194272077349' WHERE debt_id = 'XL32D2'", "debts/XL32D2"),
        ("UPDATE debts SET amount_fen = amount_fen - 1 WHERE debt_id = 'D000000165'", "debts/D000000165"),
    ]
    ledger = sqlite3.connect(place / "bank" / "state" / "ledger.sqlite", timeout=30)
    before = ledger.execute("SELECT * FROM debts").fetchall()
    for sql, _ in plants:
        assert ledger.execute(sql).rowcount == 1
    ledger.commit()
    done = cutover(environment, "drill", "settle", "--again")
    assert done.returncode == 3, done.stderr
    refused = [line.split()[1].rstrip(":") for line in done.stderr.splitlines() if line.startswith("DRILL_REFUSED")]
    assert refused == sorted(subject for _, subject in plants)
    ledger.execute("DELETE FROM debts")
    ledger.executemany(f"INSERT INTO debts VALUES ({', '.join('?' * len(before[0]))})", before)
    ledger.commit()
    ledger.close()
    assert cutover(environment, "drill", "settle", "--again").returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_passport_says_what_the_bytes_of_the_files_say(rehearsed, told, kind):
    place, _ = rehearsed
    entity, key = KINDS[kind]
    found = told[1][kind]
    assert (found["entity"], found["key"]) == (entity, key)
    for attempt in found["attempts"]:
        _, row = passports.told(entity, key, attempt, place / "bank")
        said = (attempt["state"], attempt["answer"], attempt["account"], attempt["authcode"])
        assert said == passports.answer(entity, row)
        assert attempt["approved_by"]


def test_what_the_passports_tell_is_what_the_sample_says_of_them(rehearsed, told):
    """Each kind's way, by hand from sample_data/README.md and the input files."""
    place, _ = rehearsed
    found = told[1]
    ways = {kind: [(a["stage"], a["round"], a["answer"]) for a in one["attempts"]] for kind, one in found.items()}
    assert ways == {
        "opened person": [("accounts", 1, "000")],
        "kept account of a merge": [("accounts", 1, "000")],
        "merged person": [],
        "company, corrected and opened again": [("reopen", 1, "000")],
        "unverified, opens himself": [],
        "refused, then corrected": [("accounts", 1, "106"), ("reopen", 1, "000")],
        "registered listing": [("listings", 1, "00")],
        "excepted listing": [("listings", 1, "20")],
        "refused listing, sent again": [("listings", 1, "15"), ("listings", 2, "00")],
        "debt of a merged lender": [("debts", 1, "00")],
        "refused debt, sent again": [("debts", 1, "93"), ("debts", 2, "00")],
        "signed exception": [],
        "signed at preflight": [],
    }
    states = {kind: [(e["code"], e["state"]) for e in one["exceptions"]] for kind, one in found.items()}
    assert states["signed exception"] == [("SELF_LOAN", "signed")]
    assert states["excepted listing"] == [("BANK_20", "signed")]
    assert states["refused debt, sent again"] == [("BANK_93", "mended")]
    for kind in ("kept account of a merge", "merged person"):
        merge = next(row for row in found[kind]["decisions"] if row["what"] == "merge")
        assert (merge["accounts"], merge["kept_user_id"], merge["reason"]) == (
            ["X0101", "X0102"],
            "X0101",
            "receivable",
        )
    corrected = found["refused, then corrected"]
    assert [row["field"] for row in corrected["corrections"]] == ["phone"]
    phones = [passports.told("users", "X1301", a, place / "bank")[0]["MOPHONE"] for a in corrected["attempts"]]
    given = [r for r in _csv(ROOT / "sample_data" / "corrections.csv") if r["user_id"] == "X1301"]
    assert phones == [given[0]["old"], given[0]["new"]]
    lender = found["debt of a merged lender"]
    assert [(r["legacy_user_id"], r["kept_user_id"]) for r in lender["decisions"][:1]] == [("X0102", "X0101")]
    request, result = passports.told("debts", "XL01D2", lender["attempts"][0], place / "bank")
    assert (request["AMOUNT"], request["BIDIF"]) == ("0000000200000", "XL01")
    for use, code in zip(lender["drill"]["uses"], ("00", "57"), strict=True):
        (asked,), (said,) = (
            (place / "bank" / way).rglob(use[name]) for way, name in (("out", "request"), ("in", "result"))
        )
        lines = asked.read_bytes().split(b"\n"), said.read_bytes().split(b"\n")
        order, answered = (part[use["record"] - 1] for part in lines)
        assert order[48:88].decode().strip() == "0001870000XL01D2"
        assert order[114:134].decode() == answered[114:134].decode() == result["AUTHCODE"]
        assert answered[174:176].decode() == code
    assert found["excepted listing"]["drill"] is None
    assert found["unverified, opens himself"]["outcome"]["disposition"] == "self_open"


def test_a_passport_is_read_in_both_languages(rehearsed, told):
    _, environment = rehearsed
    for language, heading in (("zh", "债权 XL01D2"), ("en", "Debt XL01D2")):
        shown = cutover(environment, "passport", "--debt", "XL01D2", "--language", language)
        assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, heading), shown.stderr
    shown = cutover(environment, "passport", "--user", "X0101")
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "用户 X0101"), shown.stderr
