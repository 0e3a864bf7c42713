"""All checks in the order in which they are reported, and how one is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from migration.verification import of_debts, of_files, of_listings, of_people, of_totals
from migration.verification.codes import shared
from migration.verification.spec import WINDOWED, Scope, Spec
from migration.verification.workbench import Workbench

SPECS: Final[tuple[Spec, ...]] = (
    *of_files.CHECKS,
    *of_people.CHECKS,
    *of_listings.CHECKS,
    *of_debts.CHECKS,
    *of_totals.CHECKS,
    of_totals.BALANCE,
)

SCOPES: Final[tuple[Scope, ...]] = ("debts", "schedules", "whole")
"""In this order: the last asks about what the others gathered."""

Failing = dict[str, list[str]]
"""Check -> its failing keys, sorted."""
Prove = Callable[[Scope, Failing], None]
"""Is told what failed of the tables that are on the table just now."""


@dataclass(slots=True)
class Found:
    """Failing keys of every check, and how many rows the tables have that the checks look at."""

    failing: Failing
    rows: dict[str, int]


def survey(bench: Workbench, prove: Prove = lambda _scope, _failing: None) -> Found:
    """Every check once: of each window of debts, of each window of schedules, of the rest."""
    found = Found({spec.name: [] for spec in SPECS}, {})
    bench.begin()
    for scope in SCOPES:
        for _ in [None] if scope == "whole" else bench.windows(scope):
            if scope != "whole":
                bench.gather(scope)
            failing = ask_of(bench, scope)
            prove(scope, failing)
            _add(found, bench, scope, failing)
    if repeated := bench.codes.repeated():
        found.failing["debts.codes"] += shared(bench, repeated)
    found.failing = {
        name: sorted(set(keys)) if name == "debts.codes" else sorted(keys) for name, keys in found.failing.items()
    }
    return found


def _add(found: Found, bench: Workbench, scope: Scope, failing: Failing) -> None:
    for name, keys in failing.items():
        found.failing[name] += keys
    windowed = {table for tables in WINDOWED.values() for table in tables}
    for table in {spec.over for spec in SPECS}:
        if table in WINDOWED[scope] if scope != "whole" else table not in windowed:
            found.rows[table] = found.rows.get(table, 0) + int(bench.row(f"SELECT count(*) FROM {table}")[0])


def ask(bench: Workbench) -> Failing:
    """Every check once."""
    return survey(bench).failing


def ask_of(bench: Workbench, scope: Scope) -> Failing:
    """Every check that has a question of this scope."""
    asked = {spec.name: spec.asked_of(scope) for spec in SPECS if spec is not of_totals.BALANCE}
    found = {name: bench.keys(sql) for name, sql in asked.items() if sql}
    return {**found, of_totals.BALANCE.name: _balance(bench)} if scope == "whole" else found


def _balance(bench: Workbench) -> list[str]:
    """The figures of balance.json that the rows do not bear out; at the end also a difference that is not 0."""
    legacy, registered, excepted, residual, cash, in_flight = bench.row(of_totals.BALANCE.sql)
    figures: dict[str, Any] = {
        "legacy_fen": legacy + cash + in_flight,
        "registered_fen": registered,
        "excepted_fen": excepted,
        "residual_fen": residual,
        "in_flight_fen": in_flight,
        "difference_fen": legacy + cash - registered - excepted - residual,
        "listings": _differing(bench, "g_by_listing"),
        "persons": _differing(bench, "g_by_person"),
    }
    claimed = bench.evidence.balance
    wrong = [name for name, value in figures.items() if _plain(claimed.get(name)) != _plain(value)]
    if bench.evidence.final and figures["difference_fen"]:
        wrong.append("difference_fen")
    return sorted(set(wrong))


def _differing(bench: Workbench, table: str) -> list[dict[str, Any]]:
    return bench.rows(f"""
        SELECT key, sum(legacy)::BIGINT AS legacy_fen, sum(accounted)::BIGINT AS accounted_fen
        FROM {table} GROUP BY key HAVING sum(legacy) <> sum(accounted) ORDER BY key""")


def _plain(value: Any) -> Any:
    if isinstance(value, int) or value is None:
        return value
    return sorted((row["key"], int(row["legacy_fen"]), int(row["accounted_fen"])) for row in _rows(value))


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return list(value)
