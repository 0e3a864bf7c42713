"""The user opened his account himself while the platform was preparing: the bank says FLAG N."""

from __future__ import annotations

from migration.sandbox.bank import dump
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal


def accounts(world: Rehearsal, user: str) -> list[str]:
    """The accounts at the bank of the person behind a user id."""
    id_no = {u["user_id"]: u["id_no"] for u in small(1)["users"]}[user]
    return [row["account_no"] for row in dump(world.root / "state")["accounts"] if row["id_no"] == id_no]


def test_his_own_account_is_linked_and_no_second_one_is_opened(tmp_path):
    world = Rehearsal(tmp_path, small(1), faults={"already_open": ["U2"]})
    assert world.run() == 0, world.reasons
    users = {r["user_id"]: r for r in world.exports()["users"].to_pylist()}
    assert (users["U2"]["disposition"], users["U2"]["reason"], users["U2"]["activated"]) == ("opened", "OPENED_N", True)
    assert accounts(world, "U2") == [users["U2"]["account_no"]]
    told = {(r["user_id"], r["kind"]) for r in world.exports()["notices"].to_pylist()}
    assert ("U2", "bind_card") not in told
    assert ("U3", "bind_card") in told
    held = {r["debt_id"]: r["holder_account"] for r in world.exports()["debts"].to_pylist()}
    assert held["L1D1"] == users["U2"]["account_no"]


def test_somebody_else_s_account_is_not(tmp_path):
    world = Rehearsal(tmp_path, small(1), faults={"already_open_other": ["U2"]})
    assert world.run() == 4
    assert world.exceptions()[("users", "U2")] == "BANK_N"
    row = {r["user_id"]: r for r in world.exports()["users"].to_pylist()}["U2"]
    assert (row["disposition"], row["account_no"]) == ("blocked", None)
