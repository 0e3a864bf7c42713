"""What was not tested: out of scope by configuration, by the kind of run, or because the data never called for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from migration.reports.document import Bullets, Paragraph, Section
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("未测试的内容", "What was not tested"),
    "lead": ("报告上的签字不涵盖以下各项。", "A signature under this report does not cover these."),
}


def build(material: Material, language: str) -> Section:
    """One sentence each."""
    say = of(language, WORDS)
    lines = untested(material, language)
    return Section("untested", say["title"], [Paragraph(say["lead"], lead=True), Bullets(lines)])


def untested(material: Material, language: str) -> list[str]:
    """One sentence each, in the reader's language."""
    pairs = [*_by_kind(material), *_by_scope(material), *_by_data(material)]
    return [pair[language == "en"] for pair in pairs]


def _by_kind(material: Material) -> Iterator[Pair]:
    if material.only_rehearsed:
        yield (
            "本次迁移的配置为演练（cutover.kind），不是生产运行。",
            "This cutover is configured as a rehearsal (cutover.kind): it was no production run.",
        )
    if material.kind != "production":
        yield (
            "非生产运行：银行生产系统、其受理时窗、日切与真实开户结果未经验证。",
            "Not a production run: the bank's production system, its windows, day cut and real answers were not met.",
        )
        yield _drilled(material)
    if any(decision.rehearsal for gate in material.gates for decision in gate.decisions):
        yield (
            "部分审批为演练代签，不代表真实授权人的判断。",
            "Some approvals were written beforehand as a rehearsal; they are nobody's judgement.",
        )
    if not material.scope.days:
        yield (
            "日终对账文件（EVE / ALEVE）未导入。",
            "Daily reconciliation files (EVE / ALEVE) were not imported.",
        )
    yield _withdrawn(material)


def _drilled(material: Material) -> Pair:
    if material.drill is None:
        return (
            "未做清偿演练：已存账号与授权码能否用于还款未经验证。",
            "No settlement drill: that the stored accounts and authorisation codes can repay was not shown.",
        )
    return (
        "清偿演练只在沙箱银行进行；银行不掌握利息，按指令入账。",
        "The settlement drill was on the sandbox bank only; the bank does not know the interest and books what it is told.",
    )


def _withdrawn(material: Material) -> Pair:
    if material.withdrawn is None:
        return (
            "遗留余额提现尚未开通：没有提现账本。",
            "Withdrawals of the residual balances are not opened yet: there is no ledger of them.",
        )
    return (
        "遗留余额提现的已付数取自原托管机构的应答，未与其自身账单核对。",
        "What was paid of the residual balances is the legacy escrow's word; its own statement was not compared.",
    )


def _by_scope(material: Material) -> Iterator[Pair]:
    scope = material.scope
    if not scope.query_channel:
        yield (
            "查询通道未配置：未向银行逐笔回读，以结果文件回显代替。",
            "No query channel is configured: the bank was not read back; the echo in the result files stands in for it.",
        )
    elif not any(stage == "reconcile.bank" for stage, *_ in material.checks):
        yield (
            "查询通道至今仅用于查清未知结果；尚未向银行全量回读，以结果文件回显代替。",
            "The query channel resolved unknown outcomes only so far; the bank's books were not read back as a whole yet.",
        )
    else:
        yield (
            "已向银行逐笔回读账户、标的与债权；利率、付息日、手机号与激活状态未回读。",
            "Accounts, listings and debts were read back from the bank; rates, interest days, phones and activation were not.",
        )
    if scope.transport != "sftp":
        yield (
            "SFTP 传输未测试，本次为目录交换。",
            "The SFTP transport was not tested; files were exchanged by directory.",
        )
    if not scope.carry_authorisations:
        yield (
            "未迁移旧授权：全部失效，需用户重新授权。",
            "Old authorisations were not carried over: all lapse until their users consent anew.",
        )
    if scope.late_change != "delta":
        yield (
            "快照后存量变更采取停止策略，增量处理未测试。",
            "A late change at the source stops the run; taking over a delta was not tested.",
        )


def _by_data(material: Material) -> Iterator[Pair]:
    batches = material.batches
    if max((batch.part for batch in batches), default=1) == 1:
        limit = material.scope.rows_per_file
        yield (f"没有文件超过 {limit} 行，未发生拆分。", f"No file exceeded {limit} rows: none was split.")
    if max((batch.round for batch in batches), default=1) == 1:
        yield ("未发生第二轮重新开户。", "There was no second round.")
    if not any(batch.kind == "company" for batch in batches):
        yield ("没有企业开户文件。", "No company account file was sent.")
    if not any(gate.state == "rejected" for gate in material.gates):
        yield ("没有发生审批驳回。", "No approval was rejected.")
