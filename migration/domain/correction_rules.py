"""The rules a corrections file is judged by, line after line, over a working copy of the users concerned."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import flat, lookup
from migration.domain.correction_lines import FIELDS, Line, as_instant, can_hold, given
from migration.domain.identity import fold_name, normalise_id, normalise_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migration.domain.findings import Finding

FINAL: Final = frozenset({"opened", "excepted"})

Values = dict[str, Any]
Problem = tuple[str, str]  # code, detail


@dataclass(slots=True)
class Desk:
    """The users concerned, as they were and as they become while the lines are taken."""

    users: pa.Table
    before: dict[str, Values]
    now: dict[str, Values]
    standing: dict[str, str]  # disposition of the account itself, or of the one it was merged into
    unread: set[tuple[str, str]]  # user, column: cells whose value at the source could not be taken
    kept: dict[str, str]  # settled member -> kept user
    in_flight: set[str]
    accepted: list[Line] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        lines: Sequence[Line],
        users: pa.Table,
        book: pa.Table,
        *,
        issues: pa.Table | None,
        settled: pa.Array | None,
        in_flight: pa.Array | None,
    ) -> Desk:
        """Fetch what is needed of the users that the lines name, and of those merged with them for good."""
        named = {line.user_id for line in lines if line.user_id is not None}
        kept = _families(named, book, settled)
        wanted = pa.array(sorted(named | set(kept) | set(kept.values())), pa.string())
        values = _rows(users, wanted, ("user_id", "kind", *FIELDS))
        return cls(
            users=users,
            before=values,
            now={user: dict(row) for user, row in values.items()},
            standing=_standing(book, wanted),
            unread=set() if issues is None else _cells(issues.filter(pc.is_in(issues["key"], value_set=wanted))),
            kept=kept,
            in_flight=set() if in_flight is None else named & set(in_flight.to_pylist()),
        )

    # -- one line

    def take(self, line: Line) -> Iterator[Finding]:
        """Judge one line and, if it stands, make its change; at most one finding."""
        problem = next(self._problems(line), None)
        if problem is not None:
            yield line.finding(*problem)
        elif line.user_id is not None and line.field is not None:
            new = as_instant(line.new) if line.field == "verified_at" else line.new
            if self.now[line.user_id][line.field] != new:
                self.now[line.user_id][line.field] = new
                self.accepted.append(line)

    def _problems(self, line: Line) -> Iterator[Problem]:
        if line.user_id is None or line.user_id not in self.now:
            yield "CORRECTION_USER_UNKNOWN", "no such user in the snapshot"
            return
        if line.field not in FIELDS:
            yield "CORRECTION_FIELD", f"field is not one of {', '.join(FIELDS)}"
            return
        if not given(line.reason) or not given(line.by):
            yield "CORRECTION_REASON", "reason and by must be given"
        if self.standing.get(line.user_id) in FINAL:
            yield "CORRECTION_USER_FINAL", "the user is opened or signed off, or merged into one who is"
        if line.user_id in self.in_flight:
            yield "CORRECTION_USER_SENT", "the user is in a file at the bank; wait for its answer"
        if not can_hold(line.field, line.new):
            yield "CORRECTION_VALUE", f"new is no possible value of {line.field}"
        if not self._old_fits(line.user_id, line.field, line.old):
            yield "CORRECTION_OLD_DIFFERS", "old is not the present value"

    def _old_fits(self, user: str, name: str, old: str | None) -> bool:
        present = self.now[user][name]
        if present is None:
            # The snapshot has NULL for a value it could not take: who looks at the source sees another one.
            return old is None or ((user, name) in self.unread and self.before[user][name] is None)
        if name == "verified_at":
            return bool(as_instant(old) == present)
        return old is not None and _nfc(old) == _nfc(present)

    # -- the file as a whole

    def close(self) -> list[Finding]:
        """Carry a person's name and ID to the accounts merged into his, and judge where everybody ends up."""
        findings = [line.finding(*problem) for line in self.accepted if (problem := self._leaves(line))]
        if not findings:
            for member, kept in self.kept.items():
                self._carry(member, kept)
            findings = [line.finding(*_JOINS) for line in self._joining()]
        return sorted(findings, key=lambda finding: int(finding.subject.rpartition(":")[2]))

    def _leaves(self, line: Line) -> Problem | None:
        """A settled merge stays: no member leaves it by himself, and its accounts stay verified."""
        user = str(line.user_id)
        kept = self.kept.get(user)
        if line.field == "verified_at" and (kept or user in self.kept.values()) and not self.now[user]["verified_at"]:
            return "CORRECTION_USER_FINAL", "a merged identity stays verified"
        if kept is not None and (
            (line.field == "name" and self._name(user) != self._name(kept))
            or (line.field in {"id_no", "id_type"} and self._id(user) != self._id(kept))
        ):
            return "CORRECTION_USER_FINAL", f"merged into another account: correct that one, users/{kept}"
        return None

    def _carry(self, member: str, kept: str) -> None:
        fields: tuple[str, ...] = () if self._name(member) == self._name(kept) else ("name",)
        if self._id(member) != self._id(kept):
            fields += ("id_type", "id_no")
        for name in fields:
            old, new = self.now[member][name], self.now[kept][name]
            if old != new:
                cause = [line for line in self.accepted if line.user_id == kept][-1]
                self.now[member][name] = new
                self.accepted.append(Line(member, name, old, new, cause.reason, cause.by, cause.line))

    def _joining(self) -> list[Line]:
        """Lines that give a user the ID of somebody of his kind who was not the same person before."""
        moved = {
            str(line.user_id): line
            for line in self.accepted
            if line.field in {"id_no", "id_type"} and self._id(str(line.user_id)) != self._id_before(str(line.user_id))
        }
        others = self._holders({self._id(user) for user in moved}) if moved else []
        return [line for user, line in moved.items() if any(self._stranger(user, other) for other in others)]

    def _holders(self, ids: set[str | None]) -> list[tuple[str, str, str | None]]:
        """Everybody (user, kind, ID before this file) who holds one of the IDs when the file is done."""
        numbers = normalise_ids(flat(self.users["id_no"]), flat(self.users["id_type"]))
        wanted = pa.array([number for number in ids if number is not None], pa.string())
        untouched = self.users.select(["user_id", "kind"]).append_column("id", numbers)
        untouched = untouched.filter(pc.is_in(numbers, value_set=wanted))
        rows = [
            (row["user_id"], row["kind"], row["id"]) for row in untouched.to_pylist() if row["user_id"] not in self.now
        ]
        return rows + [
            (user, row["kind"], self._id_before(user)) for user, row in self.now.items() if self._id(user) in ids
        ]

    def _stranger(self, user: str, other: tuple[str, str, str | None]) -> bool:
        name, kind, before = other
        if name == user or kind != self.now[user]["kind"]:
            return False
        theirs = self._id(name) if name in self.now else before
        return theirs == self._id(user) and (before is None or before != self._id_before(user))

    def _id(self, user: str) -> str | None:
        row = self.now[user]
        return normalise_id(row["id_no"], row["id_type"])

    def _id_before(self, user: str) -> str | None:
        row = self.before[user]
        return normalise_id(row["id_no"], row["id_type"])

    def _name(self, user: str) -> str:
        return fold_name(self.now[user]["name"] or "")


_JOINS: Final[Problem] = ("CORRECTION_JOINS_GROUP", "the ID is that of another user of the same kind")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _cells(issues: pa.Table) -> set[tuple[str, str]]:
    """Cells in which the source has something; VALUE_NULL says that there is nothing."""
    issues = issues.filter(pc.not_equal(issues["code"], "VALUE_NULL"))
    return set(zip(issues["key"].to_pylist(), issues["column"].to_pylist(), strict=True))


def _families(named: set[str], book: pa.Table, settled: pa.Array | None) -> dict[str, str]:
    """Settled merges that the named users take part in: member -> kept."""
    if settled is None or not len(settled):
        return {}
    is_settled = pc.is_in(book["user_id"], value_set=flat(settled))
    merged = book.filter(pc.and_(pc.equal(book["disposition"], "merged"), is_settled))
    pairs = zip(merged["user_id"].to_pylist(), merged["kept_user_id"].to_pylist(), strict=True)
    return {user: kept for user, kept in pairs if user in named or kept in named}


def _rows(table: pa.Table, keys: pa.Array, columns: Sequence[str]) -> dict[str, Values]:
    at: Any = lookup(keys, table["user_id"])
    found = table.select(list(columns)).take(pa.array(at[at >= 0], pa.int64()))
    return {row["user_id"]: row for row in found.to_pylist()}


def _standing(book: pa.Table, keys: pa.Array) -> dict[str, str]:
    """Disposition by user; of a merged one that of the account he was merged into."""
    own = _rows(book, keys, ("user_id", "kept_user_id"))
    kept = pa.array([row["kept_user_id"] for row in own.values()], pa.string())
    disposition = _rows(book, kept, ("user_id", "disposition"))
    return {user: disposition[row["kept_user_id"]]["disposition"] for user, row in own.items()}
