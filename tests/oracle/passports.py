"""What a passport says of files, held against the files' own bytes: cut by the widths of the bank's interface, in plain Python."""

from __future__ import annotations

import hashlib

from tests.oracle.results import TABLES, lines_of

LAYOUT = {
    "users": ("APPZX", "APPZXRES", "APPID"),
    "listings": ("BIDIN", "BIDINRESP", "BIDNBR"),
    "debts": ("BID", "BIDRESP", "SERI-NO"),
}
SERIAL = "0001870000"
STATE = {"S": "ok", "N": "ok", "F": "refused"}


def record(layout, content, number):
    """One record (from 1) of a file: field -> text without padding."""
    line = lines_of(layout, content)[number - 1]
    return {title: line[start:end].decode("gbk").rstrip(" ") for title, _, start, end in TABLES[layout]}


def told(entity, key, attempt, folder):
    """Request and result record of an attempt; AssertionError where digest or key is not what the passport says."""
    request, result = LAYOUT[entity][:2]
    found = []
    for way, layout, name, digest, number in (
        ("out", request, attempt["request"], attempt["request_sha256"], attempt["record"]),
        ("in", result, attempt["result"], attempt["result_sha256"], attempt["result_record"]),
    ):
        (path,) = (folder / way).rglob(name)
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
        row = record(layout, content, number)
        assert row[LAYOUT[entity][2]].removeprefix(SERIAL if entity == "debts" else "") == key, (name, number)
        found.append(row)
    return found


def answer(entity, row):
    """State, code, account's last four, authorisation code: as the result's record says."""
    if entity == "users":
        state = STATE[row["FLAG"]]
        account = f"****{row['CARDNBR'][-4:]}" if state == "ok" else None
        return state, "000" if state == "ok" else row["ERRCODE"], account, None
    state = "ok" if row["RSPCODE"] == "00" else "refused"
    return state, row["RSPCODE"], None, row.get("AUTHCODE") or None
