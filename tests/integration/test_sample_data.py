"""The rehearsal of sample_data/ from the command line: real processes, a real PostgreSQL, the sandbox bank beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from migration.sandbox.bank import dump
from tests.oracle import files

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
    stop = cutover(
        environment, "withdrawals", "release", "6a000a40-2d59-4dc8-b1da-78bff0e90f85", "--as", "A", "--reason", "x"
    )
    assert (stop.returncode, stop.stderr.split()[0]) == (2, "RELEASE_TOO_EARLY")
    served = cutover(environment, "withdrawals", "serve")
    assert (served.returncode, served.stderr.split()[:2]) == (2, ["CONFIG_REQUIRED", "withdrawals.issuer:"])
