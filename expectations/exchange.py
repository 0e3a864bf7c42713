"""Rules that file exchanges share: batches, items, samples (bank-interface.md 1; reliability.md R3, R6, I4, I5)."""

from __future__ import annotations

from typing import Final

from expectations.rules import Gate, Rule

_GATE: Final = Gate(stage="accounts", prefix="BAT", blocks="reopen")
_BATCHES: Final = (
    ("batches.rows_or_sum_differ", "bank-interface.md 1",
     "批次行数与金额等于其明细", "a batch's rows and sum are those of its items"),
    ("batches.items_astray", "reliability.md I3", "没有无批次的明细", "no item is without its batch"),
    ("batches.number_gap", "bank-interface.md 1",
     "批次号每日从 000001 起连续", "batch numbers run without a gap from 000001"),
    ("batches.name_or_content_shared", "reliability.md R3",
     "文件名与内容不重复", "no two batches share a file name or content"),
    ("batches.unsealed_at_bank", "reliability.md R3",
     "发出前已封存名称与摘要", "what was sent had its name and SHA-256 committed"),
    ("batches.result_missing", "reliability.md I5",
     "应答均出自已收结果文件", "answers come only from result files that were accepted"),
    ("batches.applied_with_open_items", "reliability.md R10",
     "已入账批次没有未应答明细", "an applied batch leaves no item open"),
    ("batches.over_row_limit", "bank-interface.md 1",
     "每个文件行数在限额内", "no file is empty or over the row limit"),
    ("items.two_standing", "reliability.md R6, I4",
     "每个主键至多一次在途或成功", "one attempt a key is open or successful"),
)  # fmt: skip

BATCH_RULES: Final[tuple[Rule, ...]] = tuple(
    _GATE.rule(1 + n, "batches", ("keys", measure), clause, zh, en)
    for n, (measure, clause, zh, en) in enumerate(_BATCHES)
)
"""What must hold of all batches so far; every gate after an exchange judges them again."""


def sample_rules(entity: str, prefix: str, noun_zh: str) -> tuple[Rule, ...]:
    """Write the gate of a sample, before its full set is asked for (domain.md, Sampling)."""
    kind = entity.removesuffix("s")
    gate = Gate(stage=f"{entity}.sample", prefix=prefix, blocks=f"{entity}.full", owner="operations")
    clause = "domain.md Sampling"
    return (
        gate.rule(
            1, entity, ("keys", f"sample.{kind}.unanswered"), clause,
            f"抽样{noun_zh}全部有应答", f"every one of the sampled {entity} is answered", owner="bank desk",
        ),
        gate.rule(
            2, entity, ("keys", f"sample.{kind}.failed"), clause,
            f"抽样{noun_zh}没有未处理的被拒", f"none of the sampled {entity} is refused and not yet mended",
        ),
        gate.rule(
            3, entity, ("keys", f"sample.{kind}.unknown"), "reliability.md R4",
            f"抽样{noun_zh}没有结果未知", f"none of the sampled {entity} has an unknown outcome", owner="bank desk",
        ),
        gate.rule(
            4, entity, ("keys", f"sample.{kind}.full_sent_before"), clause,
            "抽样通过前没有发送全量", "nothing of the full set is sent before the sample stands", owner="engineering",
        ),
    )  # fmt: skip


def answer_rules(gate: Gate, entity: str, noun_zh: str) -> tuple[Rule, ...]:
    """Say what the answers of listings or debts must be when their stage ends, as rules 050-053."""
    kind = entity.removesuffix("s")
    return (
        gate.rule(
            50, entity, ("keys", f"exchange.{kind}.unanswered"), "reliability.md R10",
            f"发出的{noun_zh}全部有应答", f"every one of the {entity} sent is answered", owner="bank desk",
        ),
        gate.rule(
            51, entity, ("keys", f"exchange.{kind}.unknown_outcome"), "reliability.md R4",
            f"{noun_zh}没有结果未知", f"no {kind} has an unknown outcome", severity="warning", owner="bank desk",
        ),
        gate.rule(
            52, entity, ("at_most", f"exchange.{kind}.refused_permille", 50), "domain.md Order and gates 6",
            "被拒比例不超过 50‰", "at most 50 in a thousand are refused",
            severity="warning", owner="bank desk", unit="per mille",
        ),
        gate.rule(
            53, entity, ("keys", f"sample.{kind}.not_drawn"), "domain.md Sampling",
            "首轮全量之前有抽样", "the first round's full set had a sample before it",
        ),
    )  # fmt: skip
