"""How fast bank files are written, parsed and judged, beside the same byte matrices without a check, in the same run.

    python -m benchmarks.codec [rows]        (default 200,000)

Prints MB/s (of file bytes, per second of one core's time), rows/s, and how many times as long it takes as
`benchmarks.bare_matrix` and as a mere copy of the fields; the best of five. `judge` includes reading the result, the join,
every echo and the look-ups against a million known accounts and authorisation codes. Then the peak memory of writing and
reading files of 10 and of 500 MB, piece by piece.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import bare_matrix
from migration.bank import codec, requests
from migration.bank.layouts import Layout, layout
from migration.bank.profile import RECORD_TYPES, JxProfile
from migration.domain.tables import ROWS
from migration.domain.values import Batch, ResultContext

DAY = date(2017, 11, 18)
KNOWN = 1_000_000
NAMES = ("张三丰", "阿依古丽·买买提", "欧阳乗", "王五", "华夏（北京）贸易有限公司")


def texts(form: str, count: int) -> pa.Array:
    return pa.array([form.format(number) for number in range(count)])


def accounts(count: int) -> pa.Array:
    """Account numbers with a right Luhn digit."""
    bodies = np.char.add("621246", np.char.zfill(np.arange(count).astype(str), 12))
    digits = np.array([list(body) for body in bodies], dtype="U1").astype(np.int64)
    twice = digits[:, ::-2] * 2
    total = (twice - 9 * (twice > 9)).sum(axis=1) + digits[:, -2::-2].sum(axis=1)
    return pa.array(np.char.add(bodies, (-total % 10).astype(str)).tolist())


def sample(kind: str, count: int) -> pa.Table:
    """Rows of one kind; names cycle through plain and awkward ones."""
    number = np.arange(count, dtype=np.int64)
    columns: dict[str, object] = {
        "key": texts("K{:010d}", count),
        "kind": pa.array(["person"]).take(pa.array(number % 1)),
        "name": pa.array(NAMES).take(pa.array(number % len(NAMES))),
        "title": pa.array(NAMES).take(pa.array(number % len(NAMES))),
        "id_type": pa.array(["id_card"]).take(pa.array(number % 1)),
        "id_no": texts("1101011990{:08d}", count),
        "sex": pa.array(["M", "F"]).take(pa.array(number % 2)),
        "phone": texts("138{:08d}", count),
        "email": texts("user{}@example.com", count),
        "amount_fen": number * 10_007,
        "repayment_method": pa.array(["at_maturity", "equal_instalment"]).take(pa.array(number % 2)),
        "interest_day": number % 28 + 1,
        "term_days": number % 700 + 1,
        "rate_e5": number % 24 * 100_000,
        "listing_id": texts("L{:06d}", count),
        "borrower_account": accounts(count),
        "holder_account": accounts(count),
    }
    for name in ("acquired_on", "value_date", "end_date"):
        columns[name] = pa.array((17_000 + number % 700).astype("datetime64[D]"))
    empty = {name: pa.nulls(count) for name in ROWS[kind].names if name not in columns}
    return pa.table({name: (columns | empty)[name] for name in ROWS[kind].names}).cast(ROWS[kind])


def answer(kind: str, request: bytes, count: int) -> bytes:
    """A result in which everything is well."""
    sent = codec.cut(layout(RECORD_TYPES[kind].request, DAY), request, b"\n")
    shape = layout(RECORD_TYPES[kind].result, DAY)
    matrix = np.full((count, shape.width + 1), 0x20, np.uint8)
    matrix[:, -1] = 0x0A
    common = {(field.name, field.width) for field in sent.layout.fields}
    for field in shape.fields:
        if (field.name, field.width) in common:
            matrix[:, field.start : field.stop] = sent.cut(field.name)
    given = {"RSPCODE": ["00"] * count, "FLAG": ["S"] * count, "ERRCODE": ["000"] * count}
    given["AUTHCODE"] = texts("A{:019d}", count).to_pylist()
    if kind == "person":
        given["CARDNBR"] = accounts(count).to_pylist()
    for name, values in given.items():
        if name in {field.name for field in shape.fields}:
            field = shape[name]
            raw = "".join(value.ljust(field.width) for value in values).encode()
            matrix[:, field.start : field.stop] = np.frombuffer(raw, np.uint8).reshape(count, -1)
    return matrix.tobytes()


def best(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        start = time.process_time()
        act()
        taken.append(time.process_time() - start)
    return min(taken)


def bare_copy(content: bytes, shape: Layout) -> bytes:
    """The floor: bytes to matrix, one copy, matrix to bytes."""
    matrix = np.frombuffer(content, np.uint8).reshape(-1, shape.width + 1)
    target = np.empty_like(matrix)
    for field in shape.fields:
        target[:, field.start : field.stop] = matrix[:, field.start : field.stop]
    target[:, -1] = matrix[:, -1]
    return target.tobytes()


def main(count: int) -> None:
    bank = JxProfile("0110", "000187", "MP", rows_per_file=count)
    known = accounts(KNOWN)
    context = ResultContext(
        names=pa.table({"account_no": known, "name": pa.array(NAMES).take(pa.array(np.arange(KNOWN) % len(NAMES)))}),
        taken=pa.table({"account_no": known.take(pa.array([0] * 0, pa.int64())), "user_id": pa.array([], pa.string())}),
        authcodes=pa.chunked_array([texts("B{:019d}", KNOWN)]),
        confirmed=pa.chunked_array([pa.array([], pa.string())]),
    )
    print(
        f"{count:,} rows a file; MB/s of file bytes (rows/s), best of 5; write and parse as multiples of the same"
        "\nbyte matrices without a check, and (in brackets) of a mere copy of the fields"
    )
    print(f"{'record':10}{'write':>24}{'parse':>24}{'judge result':>24}{'mere copy':>20}  write  parse")
    for kind in ("person", "listing", "debt"):
        rows, shape = sample(kind, count), layout(RECORD_TYPES[kind].request, DAY)
        request = bank.encode(kind, rows, "000001", DAY)
        result = answer(kind, request, count)
        batch = Batch(DAY, "000001", "debts", 1, kind, sample=False, part=1, rows=count, sum_fen=0, state="delivered")
        columns = bank._columns(kind, rows, "000001")  # noqa: SLF001 - what the codec is given
        if bare_matrix.write(shape, columns, count) != request or bare_matrix.parse(shape, request) != codec.decode(
            codec.cut(shape, request, b"\n")
        ):
            raise SystemExit("the bare version does not do the same work")
        taken, bare = [], []
        for ours, theirs in (
            (
                lambda: codec.encode(shape, columns, count, b"\n"),  # noqa: B023
                lambda: bare_matrix.write(shape, columns, count),  # noqa: B023
            ),
            (
                lambda: codec.decode(codec.cut(shape, request, b"\n")),  # noqa: B023
                lambda: bare_matrix.parse(shape, request),  # noqa: B023
            ),
        ):
            taken.append(best(ours))
            bare.append(best(theirs))
        judging = best(lambda: bank.check(batch, request, result, context))  # noqa: B023
        cells = [*(speed(len(request), count, seconds) for seconds in taken), speed(len(result), count, judging)]
        floor = best(lambda: bare_copy(request, shape))  # noqa: B023
        ratios = "  ".join(f"{seconds / other:.2f}x" for seconds, other in zip(taken, bare, strict=True))
        copies = " ".join(f"{seconds / floor:.2f}x" for seconds in taken)
        print(
            f"{shape.name:10}"
            + "".join(f"{cell:>24}" for cell in cells)
            + f"{speed(len(request), count, floor):>20}  {ratios}   ({copies})"
        )
    print(f"peak memory {peak_mb():,.0f} MB")
    for megabytes in (10, 500):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.codec", "stream", str(megabytes)], check=True, capture_output=True
        )
        print(done.stdout.decode().strip())


def stream(megabytes: int) -> None:
    """Write a file of that size piece by piece, read it again piece by piece, and say what memory it took."""
    rows, shape = sample("person", 5_000), layout("APPZX", DAY)
    columns = requests.account_fields("person", rows)
    with tempfile.TemporaryFile() as file:
        while file.tell() < megabytes * 1e6:
            for piece in codec.encoded(shape, columns, rows.num_rows, b"\n"):
                file.write(piece)
        size = file.tell()
        file.seek(0)
        records = sum(table.num_rows for table in codec.decoded(shape, file, b"\n"))
    print(
        f"{size / 1e6:,.0f} MB, {records:,} records, written and read piece by piece: peak memory {peak_mb():,.0f} MB"
    )


def peak_mb() -> float:
    """Of this program alone: what getrusage says outlives an exec."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def speed(size: int, count: int, seconds: float) -> str:
    return f"{size / 1e6 / seconds:,.0f} ({count / seconds / 1e3:,.0f}k)"


if __name__ == "__main__" and sys.argv[1:2] == ["stream"]:
    stream(int(sys.argv[2]))
elif __name__ == "__main__":
    main(int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 200_000)
