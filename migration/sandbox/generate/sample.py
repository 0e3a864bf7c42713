"""`python -m migration.sandbox.generate.sample [--out sample_data]`: the small platform of the rehearsal, rebuilt.

A generated platform with all treatable hazards, plus the hand-written cases, plus the files the rehearsal gives in:
the bank's fault plan, two rounds of corrections, re-sends. The same code writes the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import csv
import io
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import scenes_loans, scenes_people
from .hazards import ALL, ONLY_BY_NAME
from .numbers import id_with_check
from .people import Row
from .platform import generate
from .scene_kit import Scenes
from .sink import columns

SEED = 20171104
USERS, LISTINGS, DEBTS = 1400, 88, 5900
HAZARDS = ALL - ONLY_BY_NAME - {"H12", "H25", "H27"}
"""What the hand-written cases already show one by one is not planted at random as well."""

REFUSED_USERS = {
    "X1301": "106",
    "X4401": "106",
    "X4501": "108",
    "X4601": "106",
    "X4801": "106",
    "X6101": "106",
    "X6201": "102",
}
REFUSED_LISTINGS = {"XL17SP": '"20"', "XL18QU": '{ code = "15", times = 1 }'}
REFUSED_DEBTS = {"XL32D3": '"99"', "XL32D2": '{ code = "93", times = 1 }'}
CORRECTION_COLUMNS = ("user_id", "field", "old", "new", "reason", "by")
RESENDS = (
    ("listings", "XL18QU", "BANK_15", "operations-1", "银行已恢复借款人账户状态"),
    ("debts", "XL32D2", "BANK_93", "operations-1", "银行已更正户名"),
)


def main(arguments: list[str] | None = None) -> int:
    """Write everything into `--out`."""
    parser = argparse.ArgumentParser(prog="python -m migration.sandbox.generate.sample", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("sample_data"))
    build(parser.parse_args(arguments).out)
    return 0


def build(out: Path) -> None:
    """legacy.sqlite, bank_faults.toml, corrections.csv, corrections2.csv, resends.csv."""
    out.mkdir(parents=True, exist_ok=True)
    scenes = Scenes()
    scenes_people.plant(scenes)
    scenes_loans.plant(scenes)
    database = out / "legacy.sqlite"
    database.unlink(missing_ok=True)
    generate(f"sqlite:///{database}", users=USERS, listings=LISTINGS, debts=DEBTS, seed=SEED, hazards=HAZARDS)
    _append(database, scenes.rows)
    (out / "bank_faults.toml").write_text(_faults(), encoding="utf-8")
    users = {row[0]: row for row in scenes.rows["users"]}
    (out / "corrections.csv").write_text(table(CORRECTION_COLUMNS, _first_corrections(users)), encoding="utf-8")
    (out / "corrections2.csv").write_text(table(CORRECTION_COLUMNS, _second_corrections(users)), encoding="utf-8")
    (out / "resends.csv").write_text(table(("entity", "key", "code", "name", "reason"), RESENDS), encoding="utf-8")


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV text: header, LF, NULL as empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _append(database: Path, rows: dict[str, list[Row]]) -> None:
    connection = sqlite3.connect(database)
    with connection:
        for name, lines in rows.items():
            marks = ", ".join("?" * len(columns(name)))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", lines)
    connection.execute("VACUUM")
    connection.close()


def _first_corrections(users: dict[str, Row]) -> list[tuple[str, ...]]:
    """Given when the accounts are done: they go out in the re-open stage of round 1."""
    name, id_no, phone = (columns("users").index(c) for c in ("name", "id_no", "phone"))
    good_id = users["X3001"][id_no][:17]
    return [
        ("X1102", "name", users["X1102"][name], users["X1101"][name], "录入错字，与证件一致", "operations-1"),
        ("X1301", "phone", users["X1301"][phone], "18855550001", "用户更换手机号", "operations-1"),
        (
            "X2702",
            "name",
            users["X2702"][name],
            users["X2702"][name].replace("•", "·"),
            "姓名间隔号更正",
            "operations-2",
        ),
        ("X2901", "name", users["X2901"][name], users["X2901"][name][0] + "郎", "兼容汉字更正", "operations-2"),
        ("X3001", "id_no", users["X3001"][id_no], id_with_check(good_id), "证件号码录入错误", "operations-1"),
        ("X3302", "phone", users["X3302"][phone], "18855550002", "两人共用一号，已换", "operations-1"),
        ("X3801", "corporate_account", "", "1100999938010001", "补录对公账户", "operations-2"),
        ("X4801", "phone", users["X4801"][phone], "18855550003", "银行称号码已被占用", "operations-1"),
        ("X6101", "phone", users["X6101"][phone], "18855550004", "银行称号码已被占用", "operations-1"),
    ]


def _second_corrections(users: dict[str, Row]) -> list[tuple[str, ...]]:
    """Given after the debts of round 1: they start round 2."""
    name, phone = columns("users").index("name"), columns("users").index("phone")
    return [
        ("X4601", "phone", users["X4601"][phone], "18855550005", "用户更换手机号", "operations-1"),
        ("X6201", "name", users["X6201"][name], "彭借款人", "与证件核对后更正", "operations-2"),
    ]


def _faults() -> str:
    """The bank's fault plan (docs/sandbox-bank.md gives the format)."""
    lines = [
        "# 沙箱银行的故障计划 / what the sandbox bank is told to do; README.md says which case each line belongs to",
        'already_open = ["X4101"]  # the customer had opened through another channel: FLAG N, the same person',
        'already_open_other = ["X4201", "X4301"]  # FLAG N, but the account is somebody else\'s',
        "",
        "[refuse_users]  # until a correction changes what is sent",
        *(f'{key} = "{code}"' for key, code in REFUSED_USERS.items()),
        "",
        "[refuse_listings]",
        *(f"{key} = {how}" for key, how in REFUSED_LISTINGS.items()),
        "",
        "[refuse_debts]",
        *(f"{key} = {how}" for key, how in REFUSED_DEBTS.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
