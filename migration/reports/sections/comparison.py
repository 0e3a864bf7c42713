"""Another run beside this one, the rehearsal beside the production: totals, dispositions, equation, timings, rules, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from migration.domain import wording
from migration.reports import codes, figures
from migration.reports.document import Block, Cell, Column, ColumnKind, Mark, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.sections import balance, controls, versions
from migration.reports.texts import clock, moment
from migration.reports.words import KINDS, Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("与另一次运行对照", "Beside another run"),
    "lead": (
        "本次：{0}（{1}）；对照：{2}（{3}），编制于 {4}。",
        "This one: {0} ({1}); the other: {2} ({3}), made at {4}.",
    ),
    "this": ("本次", "This one"),
    "other": ("对照", "The other"),
    "less": ("差异", "Difference"),
    "amounts": ("金额（元）", "Amounts (yuan)"),
    "counts": ("数量", "Counts"),
    "times": ("用时", "Timings"),
    "versions": ("版本、配置与摘要", "Versions, configuration and digests"),
    "rules": ("结果不同的规则", "Rules that came out differently"),
    "rules_same": ("每条规则的结果均相同。", "Every rule came out the same."),
    "same": ("相同", "same"),
    "differing": ("{0} 项，{1} 项不同", "{0} items, {1} differ"),
    "journal": ("日志", "journal"),
    "rule": ("规则", "rules"),
    "merges": ("合并组", "merged groups"),
    "corrections": ("更正", "corrections"),
    "exceptions": ("例外", "exceptions"),
    "verification": ("独立核对差异", "verifier's differences"),
    "files": ("文件", "files"),
}
Figures = Mapping[str, Any]
Named = Iterator[tuple[str, int | None]]
Walk = Callable[[Figures, str], Named]


def build(material: Material, language: str) -> Section | None:
    """Both columns and the difference; nothing when no other run was given."""
    if material.other is None:
        return None
    say, mine, other = of(language, versions.WORDS, WORDS), figures.figures(material), material.other
    kind = KINDS.get(str(other.get("kind")), ("?", "?"))[language == "en"]
    about = (material.cutover_id, say[material.kind], other.get("cutover", "?"), kind, _made(other))
    say |= {"this": f"{say['this']} · {say[material.kind]}", "other": f"{say['other']} · {kind}"}

    def table(title: str, column: ColumnKind, walk: Walk, show: Callable[[int | None], Cell]) -> Table:
        values = (Column(say[name], column, 16) for name in ("this", "other", "less"))
        rows = _beside(walk(mine, language), walk(other, language), show)
        differing = sum(row[1] != row[2] for row in rows)
        return Table(
            (Column(say["what"], weight=36), *values), rows, say[title], say["differing"].format(len(rows), differing)
        )

    blocks: list[Block] = [
        Paragraph(say["lead"].format(*about), lead=True),
        table("amounts", "fen", _amounts, _as_it_is),
        table("counts", "count", _counts, _as_it_is),
        table("times", "text", _seconds, _clock),
        _rules(say, mine, other, language),
        _versions(say, mine, other),
    ]
    return Section("comparison", say["title"], blocks)


def _made(other: Figures) -> str:
    """When the other report was made, as people read it; whatever else stands there as it is."""
    said = str(other.get("made_at", "?"))
    try:
        return moment(datetime.fromisoformat(said))
    except ValueError:
        return said


def _beside(mine: Named, other: Named, show: Callable[[int | None], Cell]) -> list[Row]:
    """(name, this, other, difference); what only one of them has is nothing in the other."""
    ours, theirs = dict(mine), dict(other)
    rows: list[Row] = []
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        this, that = ours.get(name), theirs.get(name)
        less = (this or 0) - (that or 0)
        rows.append((name, show(this), show(that), show(less)))
    return rows


def _as_it_is(value: int | None) -> Cell:
    return value


def _clock(seconds: int | None) -> Cell:
    if seconds is None:
        return "–"
    return f"{'−' if seconds < 0 else ''}{clock(abs(seconds))}"


# --- what is laid side by side: the names, and the figures where they are figures ---------------------------------------


def _part(found: Any, *names: str) -> Figures:
    """A part of a figures file, {} where it is not there; the file is somebody's input."""
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _items(found: Any) -> Iterable[tuple[str, Any]]:
    return [(str(name), value) for name, value in _part(found).items()]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _amounts(found: Figures, language: str) -> Named:
    say, disclosed = of(language, balance.WORDS), of(language, controls.WORDS)
    for name in ("legacy", *(name for name, _ in balance.PARTS), "difference"):
        yield say[name], _number(_part(found, "balance").get(f"{name}_fen"))
    for name, sides in _items(_part(found, "disclosed")):
        yield disclosed.get(name, name), _number(_part(sides, "after").get("fen"))
    for entity, words in _items(_part(found, "dispositions")):
        for word, row in _items(words):
            if _number(_part(row).get("fen")) is not None:
                yield _disposition(entity, word, language), row["fen"]


def _counts(found: Figures, language: str) -> Named:
    say = of(language, WORDS)
    for entity, sides in _items(_part(found, "controls")):
        yield (
            f"{codes.say(codes.ENTITIES, entity, language)} · {say['before']}",
            _number(_part(sides, "before").get("rows")),
        )
    for entity, words in _items(_part(found, "dispositions")):
        for word, row in _items(words):
            yield _disposition(entity, word, language), _number(_part(row).get("rows"))
    yield say["merges"], _number(_part(found, "merges").get("groups"))
    yield say["corrections"], _number(found.get("corrections"))
    for code, states in _items(_part(found, "exceptions")):
        for state, row in _items(states):
            named = f"{say['exceptions']} · {code} · {codes.say(codes.STATES, state, language)}"
            yield named, _number(_part(row).get("rows"))
    for kind, number in _items(_part(found, "notices")):
        yield codes.say(codes.NOTICES, kind, language), _number(number)
    for kind, row in _items(_part(found, "files")):
        yield f"{say['files']} · {codes.say(codes.STATES, kind, language)}", _number(_part(row).get("files"))
    outcomes = Counter(str(outcome) for _, outcome in _items(_part(found, "rules")))
    for word, number in sorted(outcomes.items()):
        yield f"{say['rule']} · {codes.say(codes.STATES, word, language)}", number
    yield say["verification"], _number(_part(found, "verification").get("differences"))


def _disposition(entity: str, word: str, language: str) -> str:
    return f"{codes.say(codes.ENTITIES, entity, language)} · {codes.say(codes.DISPOSITIONS, word, language)}"


def _seconds(found: Figures, language: str) -> Named:
    for stage, seconds in _items(_part(found, "seconds")):
        yield codes.say(wording.STAGES, stage, language), _number(seconds)


def _rules(say: Mapping[str, str], mine: Figures, other: Figures, language: str) -> Block:
    ours, theirs = (dict(_items(_part(found, "rules"))) for found in (mine, other))
    differing = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
    if not differing:
        return Paragraph(say["rules_same"], "good")
    columns = (Column(say["rule"], "code", 40), Column(say["this"], "mark", 14), Column(say["other"], "mark", 14))
    rows: list[Row] = [
        (name, *(codes.mark(str(found[name]), language) if name in found else Mark("–") for found in (ours, theirs)))
        for name in differing
    ]
    return Table(columns, rows, say["rules"])


def _versions(say: Mapping[str, str], mine: Figures, other: Figures) -> Table:
    ours, theirs = ({**dict(_items(_part(f, "versions"))), **dict(_items(_part(f, "digests")))} for f in (mine, other))
    columns = (Column(say["what"], weight=18), Column(say["this"], "code", 33), Column(say["other"], "code", 33),
               Column("", "mark"))  # fmt: skip
    rows: list[Row] = []
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        this, that = str(ours.get(name, "–")), str(theirs.get(name, "–"))
        rows.append(
            (
                say.get(name, name),
                this,
                that,
                Mark(say["same"], "good") if this == that else Mark(say["differs"], "warn"),
            )
        )
    return Table(columns, rows, say["versions"])
