"""All checks in the order in which they are reported, and how one is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from migration.verification import of_debts, of_files, of_listings, of_people, of_totals
from migration.verification.spec import Spec
from migration.verification.workbench import Workbench

SPECS: Final[tuple[Spec, ...]] = (
    *of_files.CHECKS,
    *of_people.CHECKS,
    *of_listings.CHECKS,
    *of_debts.CHECKS,
    *of_totals.CHECKS,
    of_totals.BALANCE,
)

Failing = dict[str, list[str]]
"""Check -> its failing keys, sorted."""


def ask(bench: Workbench) -> Failing:
    """Every check once."""
    found = {spec.name: bench.keys(spec.sql) for spec in SPECS if spec is not of_totals.BALANCE}
    return {**found, of_totals.BALANCE.name: _balance(bench)}


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
        "listings": _differing(bench, "d.listing_id"),
        "persons": _differing(bench, "coalesce(c.holder_user_id, d.lender_id)"),
    }
    claimed = bench.evidence.balance
    wrong = [name for name, value in figures.items() if _plain(claimed.get(name)) != _plain(value)]
    if bench.evidence.final and figures["difference_fen"]:
        wrong.append("difference_fen")
    return sorted(set(wrong))


def _differing(bench: Workbench, key: str) -> list[dict[str, Any]]:
    return bench.rows(f"""
        SELECT coalesce(key, '') AS key, sum(legacy)::BIGINT AS legacy_fen, sum(accounted)::BIGINT AS accounted_fen
        FROM (
            SELECT {key} AS key, d.principal AS legacy,
                   CASE WHEN c.disposition IN ('registered', 'excepted') THEN c.principal_fen ELSE 0 END AS accounted
            FROM s_debts d LEFT JOIN c_debts c ON c.debt_id = d.debt_id WHERE d.status = 'open'
        ) GROUP BY key HAVING sum(legacy) <> sum(accounted) ORDER BY key""")


def _plain(value: Any) -> Any:
    if isinstance(value, int) or value is None:
        return value
    return sorted((row["key"], int(row["legacy_fen"]), int(row["accounted_fen"])) for row in _rows(value))


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return list(value)
