"""A passport for reading, in Chinese or English: a heading a part, two columns, times in front of what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from migration.domain import wording
from migration.reports import codes
from migration.reports.passport_words import DECIDED, FIELDS, VALUES, WORDS, YES_NO
from migration.reports.texts import yuan
from migration.reports.words import Pair, of

Row = Mapping[str, Any]
Means = dict[str, Pair]
WIDTH: Final = 22
"""Columns of the terminal that a name takes; a Chinese character takes two."""
_MONEY: Final = frozenset({"amount", "principal", "interest", "bonus_interest"})


def lines(found: Row, language: str, answers: Mapping[tuple[str, str], Pair] | None = None) -> Iterator[str]:
    """The passport, line by line; `found` as `passports.passport` gives it, `answers`: what the bank means by its codes."""
    say = of(language, WORDS)
    means = {code: pair for (entity, code), pair in (answers or {}).items() if entity == found["entity"]}
    yield f"{say[found['entity']]} {found['key']}"
    yield from _part(say["now"], _pairs(found["outcome"], say, means, language))
    taken = say["snapshot"].format(found["snapshot"]["digest"], found["snapshot"]["taken_at"])
    yield from _part(say["source"], [taken, *_pairs(found["source"], say, means, language)])
    yield from _part(say["decisions"], [_decision(row, say, means, language) for row in found["decisions"]])
    yield from _part(
        say["corrections"],
        [
            say["corrected"].format(_field(r["field"], language), r["reason"], r["by"], r["importer"])
            for r in found["corrections"]
        ],
    )
    yield from _part(
        say["attempts"], [line for row in found["attempts"] for line in _attempt(row, say, means, language)]
    )
    yield from _part(say["exceptions"], [_exception(row, means, language) for row in found["exceptions"]])
    yield from _part(say["related"], _related(found["related"], say, language))
    yield from _part(say["withdrawals"], [_withdrawal(row, say) for row in found["withdrawals"]])
    yield from _part(say["drill"], _drilled(found["drill"], say))
    events = [f"{row['at']}  {_said(row, say, language)}" for row in found["history"]]
    yield from _part(say["history"], events)


def _part(title: str, body: Sequence[str]) -> Iterator[str]:
    if body:
        yield ""
        yield title
        yield from (f"  {line}" for line in body)


def _column(name: str, value: object) -> str:
    """A name and its value; the name padded to its column as a terminal counts."""
    wide = sum(2 if ord(character) > 0x2E7F else 1 for character in name)  # noqa: PLR2004 - where CJK begins
    return f"{name}{' ' * max(1, WIDTH - wide)}{value}"


def _field(name: str, language: str) -> str:
    return FIELDS[name][language == "en"] if name in FIELDS else name


def _pairs(row: Row | None, say: Mapping[str, str], means: Means, language: str) -> list[str]:
    if row is None:
        return [say["absent"]]
    return [
        _column(_field(name, language), _value(name, value, means, language))
        for name, value in row.items()
        if value not in {None, ""}
    ]


def _value(name: str, value: Any, means: Means, language: str) -> str:
    if name in _MONEY or name.endswith("_fen"):
        return yuan(value)
    if name == "reason":
        return _cause(value, means, language)
    if name == "disposition":
        return codes.say(codes.DISPOSITIONS, value, language)
    if name in VALUES:
        return codes.say(VALUES[name], str(value), language)
    if isinstance(value, bool):
        return codes.say(YES_NO, str(value), language)
    return str(value)


def _decision(row: Row, say: Mapping[str, str], means: Means, language: str) -> str:
    if row["what"] == "merge":
        chosen = say["elected"] if row["election"] else ""
        by = codes.say(codes.CRITERIA, row["reason"], language)
        amounts = yuan(row["receivable_before"]), yuan(row["receivable_after"])
        return say["merge"].format(", ".join(row["accounts"]), row["kept_user_id"], by, chosen, *amounts)
    if row["what"] == "party":
        moved = row["kept_user_id"] and row["kept_user_id"] != row["legacy_user_id"]
        who = say["moved"].format(row["legacy_user_id"], row["kept_user_id"]) if moved else row["legacy_user_id"]
        state = codes.say(codes.DISPOSITIONS, row["disposition"], language) if row["disposition"] else say["absent"]
        return _column(say[row["role"]], " ".join(filter(None, (who, state, row["account_no"]))))
    return say[row["what"]].format(_cause(row.get("reason") or "", means, language))


def _attempt(row: Row, say: Mapping[str, str], means: Means, language: str) -> Iterator[str]:
    stage = codes.say(wording.STAGES, row["stage"], language)
    yield say["batch"].format(row["batch"], stage, row["round"], say["sample"] if row["sample"] else "")
    yield "  " + _column(say["request"], say["record"].format(row["request"], row["record"]))
    yield "  " + _column("", f"SHA-256 {row['request_sha256']}")
    if row["gate"]:
        yield "  " + _column(say["approved"], f"{row['gate']}: {'; '.join(row['approved_by'])}")
    if not row["result"]:
        yield "  " + _column(say["result"], say["awaited"])
        return
    told = say["by_inquiry"].format(row["inquiry"]) if row["inquiry"] else ""
    at = say["record"].format(row["result"], row["result_record"]) if row["result_record"] else row["result"]
    yield "  " + _column(say["result"], " ".join(filter(None, (at, told))))
    yield "  " + _column("", f"SHA-256 {row['result_sha256']}")
    meant = codes.say(means, row["answer"], language) if row["state"] != "ok" and row["answer"] in means else ""
    yield "  " + _column(say["answer"], " ".join(filter(None, (row["answer"], _state(row, say, language), meant))))
    for name in ("account", "authcode"):
        if row[name]:
            yield "  " + _column(say[name], row[name])


def _state(row: Row, say: Mapping[str, str], language: str) -> str:
    return say.get(row["state"]) or codes.say(codes.STATES, row["state"], language)


def _cause(code: str, means: Means, language: str) -> str:
    return codes.reason(code, language, means.get(code.removeprefix("BANK_")))


def _exception(row: Row, means: Means, language: str) -> str:
    signed = f" {row['signed_by']}: {row['reason']}" if row["signed_by"] else ""
    money = "" if row["amount_fen"] is None else f", {yuan(row['amount_fen'])}"
    state = codes.say(codes.STATES, row["state"], language)
    return f"{row['id']} {_cause(row['code'], means, language)}{money} · {state}{signed}"


def _related(rows: Mapping[str, Sequence[Any]], say: Mapping[str, str], language: str) -> list[str]:
    told: dict[str, Callable[[Any], str]] = {
        "listing": lambda r: f"{r['listing_id']} {codes.say(codes.DISPOSITIONS, r['disposition'], language)}",
        "escrow_accounts": lambda r: say["escrow"].format(
            r["escrow_id"], r["legacy_user_id"], yuan(r["available_fen"]), yuan(r["frozen_fen"])
        ),
        "authorisations": lambda r: f"{r['serial']} {codes.say(codes.DISPOSITIONS, r['disposition'], language)}",
        "notices": lambda kind: codes.say(codes.NOTICES, kind, language),
    }
    found = []
    for name, values in rows.items():
        if values:
            texts = [told[name](value) if name in told else str(value) for value in values]
            found.append(_column(say["debts_of"] if name == "debts" else say[name], ", ".join(texts)))
    return found


def _withdrawal(row: Row, say: Mapping[str, str]) -> str:
    return say["withdrawn"].format(
        row["escrow_id"], yuan(row["amount_fen"]), yuan(row["fee_fen"]), row["state"], row["requested_at"]
    )


def _drilled(row: Row | None, say: Mapping[str, str]) -> list[str]:
    if row is None:
        return []
    faults = [f"{f['code']} {f['detail']}" for f in row["findings"]]
    faults += [say["off"].format(yuan(r["due_fen"]), yuan(r["paid_fen"])) for r in row["off"]]
    told = say["drilled_off"].format(row["drill"], "; ".join(faults)) if faults else say["drilled"].format(row["drill"])
    found = [told]
    for name, use in zip(("first_use", "second_use"), row.get("uses", ()), strict=False):
        found.append("  " + _column(say[name], say["record"].format(use["request"], use["record"])))
        found.append("  " + _column("", f"SHA-256 {use['request_sha256']}"))
        found.append("  " + _column(say["result"], f"{use['result']} SHA-256 {use['result_sha256']}"))
    return found


def _said(row: Row, say: Mapping[str, str], language: str) -> str:
    kind = "signed_event" if row["kind"] == "signed" else row["kind"]
    what = str(row["what"])
    if kind == "decided":
        about, _, decision = what.rpartition(" ")
        what = f"{about} {codes.say(DECIDED, decision, language)}"
    return f"{_column(say[kind], what)} ({row['actor']})"
