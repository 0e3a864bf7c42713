"""What people read in Airflow: bilingual names (中文 · English) of stages and steps, and the pages beside them."""

from __future__ import annotations

from typing import Final, NamedTuple

from migration.domain.wording import STAGES as STAGE_NAMES
from migration.stages.order import ROUNDS, STAGES


class Words(NamedTuple):
    """One thing's name and one sentence about it, in Chinese and in English."""

    zh: str
    en: str
    says_zh: str = ""
    says_en: str = ""

    @property
    def both(self) -> str:
        """The display name."""
        return f"{self.zh} · {self.en}"


WHOLE: Final = Words(
    "资金存管迁移",
    "Cutover",
    "把全部用户、标的与债权从第三方支付托管一次迁入银行存管，逐阶段过闸。",
    "Carries all users, listings and debts from the legacy escrow into bank custody, gate by gate.",
)

DAILY: Final = "daily"
WITHDRAWALS: Final = "withdrawals"

_SAYS: Final[dict[str, tuple[str, str]]] = {
    "preflight": (
        "冻结检查、全量快照与摘要、数据质量；有阻断项即停。",
        "Freeze check, full snapshot with digest, data quality; blocking findings stop it.",
    ),
    "identities": (
        "同一身份证的多个账户合并为保留账户，待收总额分毫不变。",
        "Accounts of one person are merged into the kept one; receivables stay equal to the fen.",
    ),
    "accounts": (
        "个人与对公分文件送行开户，结果整体校验后入账。",
        "Persons and companies are opened at the bank by separate files; results are judged as a whole.",
    ),
    "reopen": (
        "被拒且有在途持仓者，按更正文件再次开户。",
        "Refused users with an open position are opened again after corrections.",
    ),
    "listings": (
        "先抽样，核对、审批后再送全量。",
        "A sample first; after its check and approval the full rest.",
    ),
    "debts": (
        "先抽样，核对、审批后再送全量；以授权码为准。",
        "A sample first, then the full rest; a debt counts when its authorisation code is stored.",
    ),
    ROUNDS: (
        "更正、重送与签署之后，把被阻断的项目逐轮送完，直到没有未决例外。",
        "After corrections, re-sends and signatures the blocked items follow, until no exception is open.",
    ),
    "residual": (
        "公布旧托管账户的剩余现金，供用户提现。",
        "What is left at the legacy escrow is published for withdrawal.",
    ),
    "reconcile": (
        "旧快照 = 已登记 + 遗留 + 在途 + 已签例外，差额必须为 0 分；双人签署。",
        "Legacy = registered + residual + in flight + signed exceptions, 0 fen left over; two persons sign.",
    ),
    DAILY: (
        "迁移之后逐日取入银行的 EVE、ALEVE 文件，与前一日余额及本方账户逐笔核对。",
        "After the cutover, day by day: the bank's EVE and ALEVE against each other, the day before and our accounts.",
    ),
    WITHDRAWALS: (
        "逐日取入原托管的冲正文件，再核对每个遗留账户：期初 = 已付 + 在途 + 结余。",
        "Each day: the legacy escrow's reversals, then every residual account: opening = paid + in transit + left.",
    ),
}
STAGE_WORDS: Final = {stage: Words(*STAGE_NAMES[stage], *says) for stage, says in _SAYS.items()}

_STEP_WORDS: Final[dict[str, Words]] = {
    "run": Words("执行", "Run", "执行本阶段并过闸。", "Does the stage and passes its gate."),
    "plan": Words(
        "编批封存",
        "Plan and seal",
        "抽取批次号，封存文件字节与 SHA-256。",
        "Draws batch numbers, seals bytes and SHA-256.",
    ),
    "approve": Words("等待审批", "Approval", "等待对摘要的审批。", "Waits for the approval of the digest."),
    "deliver": Words("送行", "Deliver", "按批把文件放入交换目录。", "Puts each file where the bank takes it."),
    "collect": Words(
        "取回结果",
        "Collect",
        "等待并整体校验每批结果，一次事务入账。",
        "Awaits each result, judges it whole, applies it at once.",
    ),
    "gate": Words("过闸", "Gate", "按规则判定，关闸即停。", "The rules judge; a closed gate stops the run."),
    "settle": Words(
        "逐轮了结", "Settle", "推进后续轮次，直到没有未决例外。", "Drives further rounds until no exception is open."
    ),
    "take": Words("取入核对", "Take in", "两份文件齐备后一次取入并核对。", "Takes both files in once they are there."),
    "reversals": Words("取入冲正", "Reversals", "取入一日的冲正文件，仅一次。", "Takes a day's reversals in, once."),
    "ledger": Words("台账核对", "Ledger", "逐户核对，差一分即停。", "Every account must close to the fen."),
    "finish": Words("收口", "Finish", "签署之后收口并封存证据。", "Closes the cutover after the sign-off."),
}
_PART_WORDS: Final[dict[str, tuple[str, str]]] = {"sample": ("抽样", "sample"), "full": ("全量", "full set")}


def step_words(step: str) -> Words:
    """Find the words of a step; `plan_sample` is `plan` of the part `sample`."""
    verb, _, part = step.partition("_")
    words = _STEP_WORDS[verb]
    if not part:
        return words
    zh, en = _PART_WORDS[part]
    return Words(f"{zh}{words.zh}", f"{words.en} ({en})", words.says_zh, words.says_en)


def page(words: Words, *, stage: str | None) -> str:
    """Write the page a DAG shows beside its graph (doc_md), in both languages."""
    again_zh = "每个任务都可重复执行：事实只在日志库（journal）里，任务按其所在之处继续。"
    again_en = "Every task may be repeated: the facts stand in the journal and a task goes on from there."
    order = " → ".join(STAGE_WORDS[name].zh for name in STAGES)
    order_en = " → ".join(STAGE_WORDS[name].en for name in STAGES)
    scope_zh = f"只重跑阶段 `{stage}`。" if stage else f"阶段：{order}。"
    scope_en = f"Re-drives the stage `{stage}` only." if stage else f"Stages: {order_en}."
    return f"""
## {words.both}

{words.says_zh}{scope_zh}

- **等待**：等银行结果、审批、更正或签署时，任务显示 `up_for_reschedule`，不占工作进程；日志写明在等什么、从何时起。
- **审批**：`cutover approvals` 查看，`cutover approve GATE --digest D --as NAME` 批准，
  `cutover reject …` 驳回（本次运行变红）。
- **停止**：关闸或驳回时运行变红，任务日志的最后一行写明原因；处理后清除（Clear）该任务或重新触发即可。
- {again_zh}

---

{words.says_en} {scope_en}

- **Waiting** for the bank, an approval, corrections or signatures shows as `up_for_reschedule` and holds no
  worker; the log says what is awaited and since when.
- **Approvals**: look with `cutover approvals`, answer with `cutover approve GATE --digest D --as NAME` or
  `cutover reject …` (the run turns red).
- **Stopped**: a closed gate or a rejection turns the run red and is the last line of the task's log; mend it,
  then clear the task or trigger again.
- {again_en}
"""


def step_page(stage: str, step: str) -> str:
    """Write the page of one task."""
    words, of = step_words(step), STAGE_WORDS[stage]
    return f"**{of.zh} / {words.zh}**：{words.says_zh}\n\n**{of.en} / {words.en}**: {words.says_en}\n"
