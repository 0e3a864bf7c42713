"""sample_data/ as the oracle's input and output: `python -m tests.oracle.files` writes expected/ and signatures.csv."""

import csv
import io
import json
import tomllib
from datetime import date
from pathlib import Path

from tests.oracle.oracle import Given, expected

SAMPLE = Path(__file__).parents[2] / "sample_data"
EXPORTS = ("users", "listings", "debts", "residuals", "schedules", "authorisations", "notices", "batches")
SIGNER = "compliance-1"


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def toml(path):
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)


def given(folder=SAMPLE):
    """What the rehearsal hands in, at its two points."""
    return (
        Given(read_csv(folder / "corrections.csv")),
        Given(read_csv(folder / "corrections2.csv"), read_csv(folder / "resends.csv")),
    )


def of_sample(signatures="all", folder=SAMPLE, **more):
    """The oracle over sample_data/."""
    config, faults = toml(folder / "cutover.toml"), toml(folder / "bank_faults.toml")
    return expected(folder / "legacy.sqlite", config, faults, given(folder), signatures, **more)


def cell(value):
    """As the exports write it: true/false, ISO dates, empty for NULL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def csv_text(rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def files(result):
    """Relative name -> content of everything the oracle writes into sample_data/."""
    found = {f"expected/{name}.csv": csv_text(result[name]) for name in EXPORTS}
    found["expected/balance.json"] = json.dumps(result["balance"], indent=2) + "\n"
    shut = {("listings", "XL15"), ("debts", "XL36D1"), ("debts", "XL36D2"), ("debts", "XL37D1")}
    rows = [
        {
            "entity": e,
            "key": k,
            "code": c,
            "name": SIGNER,
            "reason": REASONS.get(c, "银行拒绝，逐笔人工处理") if (e, k) not in shut else SHUT,
        }
        for e, k, c in sorted(
            result["signatures"], key=lambda item: ((item[0], item[1]) not in shut, item[0], item[1].encode())
        )
    ]
    found["signatures.csv"] = csv_text(rows)
    return found


def differences(result, exported, most=20):
    """Where a product's export folder differs from the oracle's result: lines `export key: column here/there`."""
    found = []
    for name in EXPORTS:
        ours = [{column: cell(value) for column, value in row.items()} for row in result[name]]
        theirs = read_csv(exported / f"{name}.csv")
        if len(ours) != len(theirs):
            found.append(f"{name}: {len(ours)} rows expected, {len(theirs)} exported")
        for here, there in zip(ours, theirs, strict=False):
            wrong = [f"{c} {here[c]!r}/{there.get(c)!r}" for c in here if here[c] != there.get(c)]
            if wrong:
                found.append(f"{name} {next(iter(here.values()))}: {', '.join(wrong)}")
    balance = json.loads((exported / "balance.json").read_text(encoding="utf-8"))
    found += [f"balance {key}" for key, value in result["balance"].items() if balance.get(key) != value]
    return found[:most]


SHUT = "迁移前体检发现的坏数据，签字后不迁移"
REASONS = {
    "OVERDUE": "逾期债权，按政策签字后线下处置",
    "SCHEDULE_MISMATCH": "还款计划与债权合计不符，线下核对",
    "INTEREST_ONLY": "仅剩利息或加息，由平台支付",
    "LISTING_NOT_OPEN": "标的已不在还款中，线下清偿",
    "PLATFORM_PARTY": "平台账户为当事人，线下处置",
    "SELF_LOAN": "出借人即借款人，债权抵销",
    "FIELD_INVALID": "字段不合银行规格，线下处置",
    "NAME_UNENCODABLE": "姓名无法编码，待用户到柜台办理",
    "NAME_CONFLICT": "同一证件姓名不一致，待核实",
    "PHONE_SHARED": "手机号被多人共用，待用户更换",
    "UNSUPPORTED_ID": "证件类型不支持批量开户，待用户到柜台办理",
    "UNDERAGE": "未满十八周岁，成年前线下代管",
}

if __name__ == "__main__":
    for name, content in files(of_sample()).items():
        target = SAMPLE / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(content, encoding="utf-8")
