"""Every file sent and received: the batches, and one chain of digests in which none can be left out unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from migration.domain import wording
from migration.domain.values import Batch
from migration.reports import codes
from migration.reports.document import Block, Column, Mark, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("文件与摘要链", "Files and chain of digests"),
    "lead": (
        "链值 ＝ SHA-256（上一链值｜类别｜文件名｜文件 SHA-256）。少一个、换一个或调换次序，其后链值全部改变。",
        "Link = SHA-256(previous link | way | name | SHA-256 of the file). One file less or changed: every later link differs.",
    ),
    "batches": ("批次", "Batches"),
    "batch": ("批次", "Batch"),
    "chain": ("摘要链", "Chain of digests"),
    "way": ("类别", "Way"),
    "request": ("请求", "request"),
    "result": ("结果", "result"),
    "request_manifest": ("请求清单", "request manifest"),
    "result_manifest": ("结果清单", "result manifest"),
    "file": ("文件", "File"),
    "previous": ("上一链值", "Previous link"),
    "link": ("链值", "Link"),
    "sample": ("样本", "sample"),
    "full": ("全量", "full"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """One file in the chain. `way`: request | result | request_manifest | result_manifest."""

    way: str
    name: str
    sha256: str
    previous: str
    value: str


def chain(material: Material) -> list[Link]:
    """Every file in order: of each batch the request, its manifest, the result, its manifest."""
    links, value = [], ""
    for batch in material.batches:
        for way, name, sha256 in _files(batch, material):
            previous = value
            value = hashlib.sha256(f"{previous}|{way}|{name}|{sha256}".encode()).hexdigest()
            links.append(Link(way, name, sha256, previous, value))
    return links


def _files(batch: Batch, material: Material) -> Iterator[tuple[str, str, str]]:
    for way, name, sha256 in (
        ("request", batch.request_name, batch.request_sha256),
        ("result", batch.result_name, batch.result_sha256),
    ):
        if sha256:
            yield way, name, sha256
            if name in material.manifests:
                yield f"{way}_manifest", f"{name}.json", material.manifests[name]


def build(material: Material, language: str) -> Section:
    """The batches, then the chain."""
    say = of(language, WORDS)
    blocks: list[Block] = [Paragraph(say["lead"], lead=True)]
    if not material.batches:
        return Section("files", say["title"], [*blocks, Paragraph(say["none"])])
    batches = (Column(say["batch"], "code", 18), Column(say["stage"], weight=10), Column(say["round"], "count", 6),
               Column(say["kind"], weight=8), Column("", weight=8), Column(say["rows"], "count", 9),
               Column(say["sum"], "fen", 16), Column(say["state"], "mark", 10))  # fmt: skip
    links = (Column("#", "count", 4), Column(say["way"], weight=11), Column(say["file"], "code", 26),
             Column("SHA-256", "code", 33), Column(say["previous"], "code", 33), Column(say["link"], "code", 33))  # fmt: skip
    rows: list[Row] = [
        (number, say[link.way], link.name, link.sha256, link.previous, link.value)
        for number, link in enumerate(chain(material), 1)
    ]
    blocks.append(Table(batches, [_batch(batch, say["sample"], say["full"], language) for batch in material.batches],
                        say["batches"]))  # fmt: skip
    blocks.append(Table(links, rows, say["chain"]))
    return Section("files", say["title"], blocks, wide=True)


def _batch(batch: Batch, sample: str, full: str, language: str) -> Row:
    money = batch.kind in {"listing", "debt"}
    state: Mark = codes.mark(batch.state, language)
    return (
        f"{batch.business_date.isoformat()}/{batch.batch_no}",
        codes.say(wording.STAGES, batch.stage, language),
        batch.round,
        codes.say(codes.STATES, batch.kind, language),
        sample if batch.sample else full,
        batch.rows,
        batch.sum_fen if money else None,
        state,
    )
