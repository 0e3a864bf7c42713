"""The fault plan: what the sandbox bank is told to do wrong (docs/sandbox-bank.md); TOML, or JSON by suffix."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from migration.sandbox.bank.corruptions import HOWS
from migration.sandbox.bank.hours import Hours

if TYPE_CHECKING:
    from pathlib import Path

_REFUSE: Final = {
    "refuse_users": ("accounts", re.compile(r"(?!000)[0-9]{3}")),
    "refuse_listings": ("listings", re.compile(r"(?!00)[0-9A-Z]{2}")),
    "refuse_debts": ("debts", re.compile(r"(?!00)[0-9A-Z]{2}")),
    "refuse_authorisations": ("authorisations", re.compile(r"(?!00)[0-9A-Z]{2}")),
}
_LISTS: Final = ("already_open", "already_open_other")
_KEYS: Final = frozenset(
    {*_REFUSE, *_LISTS, "seed", "hold", "corrupt", "slow_write", "sftp", "hours", "clock", "query", "lose"}
)
_MATCHER: Final = frozenset({"match", "sort", "id"})
_RULES: Final = {
    "hold": _MATCHER | {"seconds", "until_released", "released"},
    "corrupt": _MATCHER | {"how", "record", "times", "per_file", "field", "code", "bytes"},
    "slow_write": _MATCHER | {"seconds", "pieces", "times", "per_file"},
    "sftp": _MATCHER | {"how", "on", "after", "times", "seconds"},
    "query": _MATCHER | {"how", "times", "seconds"},
    "lose": _MATCHER | {"times"},
}
_ONE_OF: Final = {
    ("corrupt", "how"): HOWS,
    ("sftp", "how"): frozenset({"drop", "full", "denied", "failure", "slow"}),
    ("sftp", "on"): frozenset({"read", "write", "rename", None}),
    ("query", "how"): frozenset(
        {"timeout", "502", "504", "reset", "drip", "processing", "not_found", "number", "amount", "currency", "replay"}
        | {"signature", "rate", "day_cut", "duplicate", "unknown", "window"}
    ),
}
_SORTS: Final = frozenset({"person", "company", "listings", "debts", "authorisations", "repayments"})


class PlanError(ValueError):
    """The fault plan cannot be read or says something unknown."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refuse a key with `code`: `times` times, or until the request differs from the one first refused, or for ever."""

    code: str
    times: int | None
    until_changed: bool

    def is_over(self, struck: int, *, changed: bool) -> bool:
        """Whether it has done its work."""
        return (self.times is not None and struck >= self.times) or (self.until_changed and changed)


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault of files: `options` as its table in the plan has them."""

    id: str
    match: re.Pattern[str]
    sort: str | None
    options: dict[str, Any]

    def hits(self, names: tuple[str, ...], sort: str) -> bool:
        """Whether it concerns a file, by the names of request and result and by its sort."""
        return self.sort in {None, sort} and any(self.match.search(name) for name in names)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All planned faults. `refuse` maps the kind of exchange to key to refusal."""

    seed: int = 0
    refuse: dict[str, dict[str, Refusal]] = field(default_factory=lambda: {kind: {} for kind, _ in _REFUSE.values()})
    already_open: frozenset[str] = frozenset()
    already_open_other: frozenset[str] = frozenset()
    hold: tuple[Rule, ...] = ()
    corrupt: tuple[Rule, ...] = ()
    slow_write: tuple[Rule, ...] = ()
    sftp: tuple[Rule, ...] = ()
    hours: Hours | None = None
    clock: tuple[str, float] = ("", 1.0)  # what it shows at first, and how fast it runs
    query: tuple[Rule, ...] = ()
    lose: tuple[Rule, ...] = ()


def parse(plan: dict[str, Any]) -> FaultPlan:
    """Check a plan and build it. PlanError names what is wrong."""
    _no_others("the plan", plan, _KEYS)
    refuse = {kind: _refusals(name, plan.get(name, {}), code) for name, (kind, code) in _REFUSE.items()}
    open_ = {name: frozenset(_typed(f"{name}[]", str, one) for one in plan.get(name, [])) for name in _LISTS}
    rules = {name: tuple(_rule(name, at, table) for at, table in enumerate(plan.get(name, []))) for name in _RULES}
    return FaultPlan(
        seed=_typed("seed", int, plan.get("seed", 0)),
        refuse=refuse,
        already_open=open_["already_open"],
        already_open_other=open_["already_open_other"],
        hold=rules["hold"],
        corrupt=rules["corrupt"],
        slow_write=rules["slow_write"],
        sftp=rules["sftp"],
        hours=_hours(plan.get("hours")),
        clock=_clock(plan.get("clock", {})),
        query=rules["query"],
        lose=rules["lose"],
    )


def _hours(table: Any) -> Hours | None:
    if table is None:
        return None
    _no_others("hours", _typed("hours", dict, table), frozenset({"span", "minutes", "prepare_minutes"}))
    minutes, prepare = (
        _typed(f"hours.{k}", int, table.get(k, v)) for k, v in (("minutes", 120), ("prepare_minutes", 30))
    )
    try:
        return Hours.read(_typed("hours.span", str, table.get("span", "08:00-22:00")), minutes, prepare)
    except ValueError as wrong:
        raise PlanError(f"hours: {wrong}") from wrong


def _clock(table: Any) -> tuple[str, float]:
    _no_others("clock", _typed("clock", dict, table), frozenset({"starts", "speed"}))
    speed = table.get("speed", 1.0)
    return _typed("clock.starts", str, table.get("starts", "")), float(_typed("clock.speed", type(speed), speed))


def read(path: Path) -> FaultPlan:
    """Read a plan from a file."""
    try:
        content = path.read_text("utf-8")
        return parse(json.loads(content) if path.suffix == ".json" else tomllib.loads(content))
    except (OSError, ValueError, re.error) as error:
        raise PlanError(f"fault plan {path.name}: {error}") from error


def _refusals(name: str, table: Any, code: re.Pattern[str]) -> dict[str, Refusal]:
    found = {}
    for key, value in _typed(name, dict, table).items():
        where = f"{name}.{key}"
        options: dict[str, Any] = {"code": value} if isinstance(value, str) else _typed(where, dict, value)
        _no_others(where, options, frozenset({"code", "times", "until_changed"}))
        if code.fullmatch(_typed(f"{where}.code", str, options.get("code"))) is None:
            raise PlanError(f"{where}: {options['code']!r} is no code of a refusal")
        times = options.get("times")
        if times is not None:
            _typed(f"{where}.times", int, times)
        until = _typed(f"{where}.until_changed", bool, options.get("until_changed", times is None))
        found[key] = Refusal(options["code"], times, until)
    return found


def _rule(name: str, at: int, table: Any) -> Rule:
    where = f"{name}[{at}]"
    options = dict(_typed(where, dict, table))
    _no_others(where, options, _RULES[name])
    match = re.compile(_typed(f"{where}.match", str, options.get("match")))
    if options.get("sort") not in {None, *_SORTS}:
        raise PlanError(f"{where}.sort: one of {', '.join(sorted(_SORTS))}")
    for (rule, key), words in _ONE_OF.items():
        if rule == name and options.get(key) not in words:
            raise PlanError(f"{where}.{key}: one of {', '.join(sorted(filter(None, words)))}")
    if name == "hold" and "seconds" not in options and not options.get("until_released"):
        raise PlanError(f"{where}: wants seconds, or until_released = true")
    return Rule(str(options.get("id") or _rule_id(name, options)), match, options.get("sort"), options)


def _rule_id(name: str, options: dict[str, Any]) -> str:
    """Name a rule: the same after a restart; raising `times` or releasing it does not make it another."""
    kept = {key: value for key, value in options.items() if key not in {"times", "released"}}
    return f"{name}-{sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]}"


def _no_others(where: str, table: dict[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise PlanError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def _typed(where: str, kind: type, value: Any) -> Any:
    """Return the value, when it is of the kind wanted (true is no number)."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise PlanError(f"{where}: wants a {kind.__name__}")
    return value


class PlanFile:
    """A plan that is read again whenever its file changes, so that an operator can switch a fault off.

    No file (None) or a file taken away later: no faults. A file that is missing or wrong at the start: PlanError; one
    that becomes wrong later leaves the plan before it in force, and `trouble` says why.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp = self._look()
        self.plan = read(path) if path else FaultPlan()
        self.trouble = ""

    def _look(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat() if self._path else None
        except FileNotFoundError:
            return None
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else None

    def refresh(self) -> bool:
        """Read the file again if it changed; whether it did."""
        stamp = self._look()
        if self._path is None or stamp == self._stamp:
            return False
        self._stamp, self.trouble = stamp, ""
        try:
            self.plan = read(self._path) if stamp else FaultPlan()
        except PlanError as error:
            self.trouble = str(error)
        return True
