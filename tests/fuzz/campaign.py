"""`python -m tests.fuzz.campaign LINES FILES [SEED]`: fuzzed lines and mutated files, ours against the second parser.

Lines are judged in files of 1,000 spoilt ones: what ours names as bad is taken out, request and answer, until ours
accepts the rest. So every line gets a verdict of its own, and the rest is compared outcome by outcome.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

import pyarrow as pa

from migration.bank import reasons
from migration.bank.profile import JxProfile
from migration.domain.values import Batch, ResultContext, ResultRefused
from tests.fuzz.mutate import BATCH, DAY, Exchange, exchange, spoil, spoil_file
from tests.oracle.results import SHAPES, Known, judge

PROFILE = JxProfile("0110", "000187", "MP", rows_per_file=100_000)
LINES_A_FILE = 1_000


@dataclass
class Tally:
    """What came of it. `worse`: accepted by ours, refused by the second parser; `other`: accepted with other outcomes."""

    lines: int = 0
    files: int = 0
    accepted: int = 0
    stricter: int = 0
    worse: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    uncaught: list[str] = field(default_factory=list)
    codes: Counter = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.worse or self.other or self.uncaught)

    def __str__(self) -> str:
        return (
            f"{self.lines:,} lines, {self.files:,} files: {self.accepted:,} accepted by both, {len(self.worse)} accepted that "
            f"the second parser refuses, {len(self.other)} with other outcomes, {len(self.uncaught)} uncaught exceptions, "
            f"{self.stricter:,} refused by ours alone"
        )


def context(known: Known) -> ResultContext:
    def pairs(found: dict, first: str, second: str) -> pa.Table:
        return pa.table({first: pa.array(found, pa.string()), second: pa.array(found.values(), pa.string())})

    return ResultContext(
        names=pairs(known.names, "account_no", "name"),
        taken=pairs(known.taken, "account_no", "user_id"),
        authcodes=pa.chunked_array([pa.array(sorted(known.authcodes), pa.string())]),
        confirmed=pa.chunked_array([pa.array(sorted(known.confirmed), pa.string())]),
    )


def ours(kind: str, request: bytes, result: bytes, rows: int, facts: ResultContext) -> pa.Table:
    batch = Batch(DAY, BATCH, "debts", 1, kind, sample=False, part=1, rows=rows, sum_fen=0, state="delivered")
    return PROFILE.check(batch, request, result, facts)


def outcomes(answers: pa.Table) -> dict[int, tuple]:
    return {
        row["record_no"] - 1: (row["outcome"], row["code"], row["account_no"], row["authcode"])
        for row in answers.to_pylist()
    }


def fuzz_lines(made: Exchange, random: Random, tally: Tally, sieve: list[bytes] | None = None) -> None:
    """Spoil most lines, and give each a verdict."""
    others = made.answers
    spoilt = [a if random.random() < 0.1 else spoil(a, random.choice(others), made.kind, random) for a in others]
    facts = context(made.known)
    left = list(range(len(spoilt)))
    tally.lines += len(spoilt)
    while left:
        request = b"".join(made.request[at] + b"\n" for at in left)
        result = b"".join(spoilt[at] + b"\n" for at in left)
        try:
            answers = ours(made.kind, request, result, len(left), facts)
            break
        except ResultRefused as refusal:
            bad = {int(n) - 1 for each in refusal.reasons for n in re.findall(r"#([0-9]+)$", each.subject)}
            tally.codes.update(each.code for each in refusal.reasons)
            if not bad:
                tally.stricter += len(left)
                return
            left = [at for place, at in enumerate(left) if place not in bad]
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            tally.uncaught.append(f"{made.kind}: {type(error).__name__}")
            return
    else:
        return
    second = judge(made.kind, request, result, BATCH, made.known)
    if not second.accepted:
        tally.worse += [f"{made.kind}: {spoilt[left[place]]!r}" for place in sorted(second.bad)] or [second.whole]
    elif outcomes(answers) != second.rows:
        tally.other.append(made.kind)
    tally.accepted += len(left)
    _stricter(made, spoilt, set(left), tally)


def _stricter(made: Exchange, spoilt: list[bytes], accepted: set[int], tally: Tally) -> None:
    """How many lines ours refused that the second parser would have taken alone: too much caution is told, no fault."""
    for at, answer in enumerate(spoilt):
        if at not in accepted:
            alone = judge(made.kind, made.request[at] + b"\n", answer + b"\n", BATCH, made.known)
            tally.stricter += alone.accepted


def fuzz_file(made: Exchange, random: Random, tally: Tally) -> None:
    """One mutated file: both accept with the same outcomes, or ours refuses."""
    request = b"".join(each + b"\n" for each in made.request)
    content = spoil_file(made, random)
    tally.files += 1
    second = judge(made.kind, request, content, BATCH, made.known)
    try:
        answers = ours(made.kind, request, content, len(made.request), context(made.known))
    except ResultRefused as refusal:
        tally.codes.update({each.code for each in refusal.reasons})
        tally.stricter += second.accepted
        return
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        tally.uncaught.append(f"{made.kind}: {type(error).__name__}")
        return
    if not second.accepted:
        tally.worse.append(f"{made.kind}: {content!r}")
    elif outcomes(answers) != second.rows:
        tally.other.append(made.kind)
    tally.accepted += 1


def campaign(lines: int, files: int, seed: int = 1) -> Tally:
    """The same seed gives the same lines and files."""
    random, tally, kinds = Random(seed), Tally(), tuple(SHAPES)
    with patch.object(reasons, "CAP", 10**9):
        for number in range(-(-lines // LINES_A_FILE)):
            count = min(LINES_A_FILE, lines - tally.lines)
            fuzz_lines(exchange(kinds[number % len(kinds)], count, random), random, tally)
    small = [exchange(kind, count, random) for kind in kinds for count in (1, 2, 5)]
    for number in range(files):
        fuzz_file(small[number % len(small)], random, tally)
    return tally


def main() -> int:
    began = time.process_time()
    lines, files, *seed = (int(word.replace(",", "")) for word in sys.argv[1:])
    tally = campaign(lines, files, *seed)
    print(f"{tally}; {time.process_time() - began:.0f} s of CPU")
    print("findings:", ", ".join(f"{code} {count:,}" for code, count in tally.codes.most_common()))
    for each in [*tally.worse, *tally.other, *tally.uncaught][:20]:
        print(each)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
