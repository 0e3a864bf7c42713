"""The report's sections as plain rows, ready for the template. Ids only; free words of people are redacted."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.ports import CheckResult
from migration.reports import codes, redaction
from migration.reports.material import Material
from migration.reports.texts import count, moment, short, span, yuan

LISTED: Final = 1_000
"""Rows of a list that the page shows; the rest is counted."""

Rows = list[dict[str, Any]]


def dispositions(material: Material, language: str) -> Rows:
    """Counts and sums by entity and disposition."""
    money = {"users": None, "listings": "outstanding_fen", "debts": "principal_fen", "authorisations": None}
    rows: Rows = []
    for entity, column in money.items():
        table = material.claim[entity]
        aggregates = [("disposition", "count")] + ([(column, "sum")] if column else [])
        for row in sorted(table.group_by("disposition").aggregate(aggregates).to_pylist(), key=_first):
            rows.append({
                "entity": codes.say(codes.ENTITIES, entity, language),
                "word": codes.say(codes.DISPOSITIONS, row["disposition"], language),
                "rows": count(row["disposition_count"]),
                "fen": yuan(row[f"{column}_sum"]) if column else "–",
            })  # fmt: skip
    return rows


def _first(row: Mapping[str, Any]) -> str:
    return str(row["disposition"])


def stages(material: Material, language: str) -> Rows:
    """Stages with their times and the totals that each left behind."""
    return [
        {
            "name": codes.say(codes.STAGES, record.stage, language),
            "id": record.stage,
            "round": record.round,
            "state": record.state,
            "state_word": codes.say(codes.STATES, record.state, language),
            "began": moment(record.started_at),
            "took": span(record.started_at, record.ended_at),
            "totals": _totals(record.totals, language),
            "reasons": record.reasons,
        }
        for record in material.stages
    ]


def _totals(totals: Mapping[str, int], language: str) -> list[str]:
    """One line an entity: `users: opened 1,243 · merged 31`, with sums where there are any."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in sorted(totals.items()):
        entity, _, word = name.partition("_")
        if name.endswith("_fen") or (not word and entity != "residuals"):
            continue
        amount = totals.get(f"{name}_fen")
        money = f" ({yuan(amount)})" if amount else ""
        found[entity].append(f"{codes.say(codes.DISPOSITIONS, word or 'available', language)} {count(value)}{money}")
    colon = "：" if language == "zh" else ": "
    return [f"{codes.say(codes.ENTITIES, entity, language)}{colon}{' · '.join(said)}" for entity, said in found.items()]


def rules(material: Material, language: str) -> Rows:
    """Gates in order, each with the latest result of every rule and how often it ran and failed before."""
    latest: dict[tuple[str, int], dict[str, Any]] = {}
    runs: Counter[tuple[str, int, str]] = Counter()
    failed: Counter[tuple[str, int, str]] = Counter()
    for stage, round_no, at, result in material.checks:
        runs[stage, round_no, result.rule_id] += 1
        failed[stage, round_no, result.rule_id] += result.outcome != "passed"
        gate = latest.setdefault((stage, round_no), {"at": at, "results": {}})
        gate["at"] = at
        gate["results"][result.rule_id] = result
    rows: Rows = []
    for (stage, round_no), gate in latest.items():
        shown = [
            {
                "id": result.rule_id,
                "title": result.title_en if language == "en" else result.title_zh,
                "clause": result.clause,
                "severity": result.severity,
                "observed": count(result.observed),
                "expected": count(result.expected),
                "outcome": _outcome(result),
                "word": codes.say(codes.STATES, _outcome(result), language),
                "keys": result.keys[:5],
                "runs": runs[stage, round_no, result.rule_id],
                "failed_before": failed[stage, round_no, result.rule_id] - (result.outcome != "passed"),
            }
            for result in gate["results"].values()
        ]
        rows.append({
            "name": codes.say(codes.STAGES, stage, language),
            "round": round_no,
            "at": moment(gate["at"]),
            "rules": shown,
            "passed": sum(rule["outcome"] == "passed" for rule in shown),
            "noted": sum(rule["outcome"] == "noted" for rule in shown),
        })  # fmt: skip
    return rows


def _outcome(result: CheckResult) -> str:
    """A failure that blocks nothing is a note."""
    return "noted" if result.outcome == "failed" and result.severity != "blocking" else result.outcome


def not_passed(material: Material) -> int:
    """Blocking rules whose latest result is no pass."""
    latest = {(stage, round_no, r.rule_id): r for stage, round_no, _, r in material.checks}
    return sum(r.severity == "blocking" and r.outcome != "passed" for r in latest.values())


def approvals(material: Material, language: str) -> Rows:
    """Gates with who decided, when, on which digest."""
    return [
        {
            "gate": gate.gate,
            "round": gate.round,
            "digest": gate.digest,
            "needed": gate.needed,
            "requester": gate.requester,
            "state": gate.state,
            "state_word": codes.say(codes.STATES, gate.state, language),
            "decisions": [
                {
                    "name": d.name,
                    "word": codes.say(codes.STATES, d.decision, language),
                    "at": moment(d.at),
                    "rehearsal": d.rehearsal,
                    "reason": "" if d.rehearsal and d.reason == "rehearsal" else redaction.free(d.reason),
                }
                for d in gate.decisions
            ],
        }
        for gate in material.gates
    ]


def exceptions(material: Material, language: str) -> tuple[Rows, Rows, int]:
    """(by entity and code, one by one without the mended, how many are not listed)."""
    table = material.exceptions
    grouped = table.group_by(["entity", "code", "state"]).aggregate([("id", "count"), ("amount_fen", "sum")])
    summary = [
        {
            "entity": codes.say(codes.ENTITIES, row["entity"], language),
            "code": codes.reason(row["code"], language),
            "state": row["state"],
            "state_word": codes.say(codes.STATES, row["state"], language),
            "count": count(row["id_count"]),
            "fen": yuan(row["amount_fen_sum"]),
        }
        for row in sorted(grouped.to_pylist(), key=lambda r: (r["entity"], r["code"], r["state"]))
    ]
    standing = table.filter(pc.not_equal(table["state"], "mended"))
    listed = [
        {
            "id": row["id"],
            "entity": codes.say(codes.ENTITIES, row["entity"], language),
            "key": row["key"],
            "code": row["code"],
            "state": row["state"],
            "state_word": codes.say(codes.STATES, row["state"], language),
            "fen": yuan(row["amount_fen"]),
            "signer": row["signed_by"] or "",
            "reason": redaction.free(row["reason"]),
        }
        for row in standing.slice(0, LISTED).to_pylist()
    ]
    return summary, listed, max(0, standing.num_rows - LISTED)


def merges(material: Material, language: str) -> dict[str, Any]:
    """Merged identities: totals, and each group with who was merged into whom and why."""
    users, groups = material.claim["users"], material.groups
    merged = users.filter(pc.equal(users["disposition"], "merged"))
    members: dict[str, list[str]] = defaultdict(list)
    for row in merged.select(["user_id", "kept_user_id"]).to_pylist():
        members[row["kept_user_id"]].append(row["user_id"])
    rows = [
        {
            "kept": row["kept_user_id"],
            "members": ", ".join(members.get(row["kept_user_id"], [])),
            "criterion": codes.say(codes.CRITERIA, row["reason"], language),
            "fen": yuan(row["receivable_after"]),
        }
        for row in groups.slice(0, LISTED).to_pylist()
    ]
    before, after = (int(pc.sum(groups[f"receivable_{when}"]).as_py() or 0) for when in ("before", "after"))
    return {
        "groups": count(groups.num_rows),
        "accounts": count(merged.num_rows),
        "before": yuan(before),
        "same": before == after,
        "rows": rows,
        "more": max(0, groups.num_rows - LISTED),
    }


def refused(material: Material, language: str) -> Rows:
    """Users without an account who have a position: each with cause, what hangs on him, and who signed."""
    known = material.exceptions
    about = {
        r["key"]: r for r in known.filter(pc.equal(known["entity"], "users")).to_pylist() if r["state"] != "mended"
    }
    users = material.claim["users"]
    chosen = users.filter(pc.is_in(users["disposition"], value_set=pa.array(["excepted", "blocked"])))
    return [
        {
            "key": row["user_id"],
            "cause": codes.reason(row["reason"], language),
            "disposition": codes.say(codes.DISPOSITIONS, row["disposition"], language),
            "fen": yuan(about.get(row["user_id"], {}).get("amount_fen")),
            "signer": about.get(row["user_id"], {}).get("signed_by") or "",
        }
        for row in chosen.slice(0, LISTED).to_pylist()
    ]


def samples(material: Material, language: str) -> Rows:
    """Each sample as it was drawn (N, D, n, strata) and what the bank answered."""
    rows: Rows = []
    for event in material.samples:
        plan: Mapping[str, Any] = event.payload
        items = material.items[plan["stage"]]
        names = pc.binary_join_element_wise(items["business_date"].cast(pa.string()), items["batch_no"], "/")
        mine = items.filter(pc.is_in(names, value_set=pa.array([name for name, _ in plan["files"]], pa.string())))
        states = Counter(mine["state"].to_pylist())
        rows.append({
            **{name: count(plan[name]) for name in ("population", "defects", "size", "drawn")},
            **{name: plan[name] for name in ("confidence", "defect_rate", "seed")},
            "stage": codes.say(codes.STAGES, plan["stage"], language),
            "files": [name for name, _ in plan["files"]],
            "at": moment(event.at),
            "ok": count(states["ok"]),
            "not_ok": count(states["refused"] + states["unknown"]),
            "strata": [
                {"name": codes.stratum(name, language), "members": count(members), "drawn": count(drawn), "bare": not drawn}
                for name, (members, drawn) in plan["coverage"].items()
            ],
        })  # fmt: skip
    return rows


def batches(material: Material, language: str) -> Rows:
    """Every file exchange, with the chain of digests over all of them."""
    chain, rows = "", []
    for batch in material.batches:
        text = f"{chain}|{batch.request_sha256}|{batch.result_sha256}"
        chain = hashlib.sha256(text.encode()).hexdigest()
        rows.append({
            "no": batch.batch_no,
            "day": batch.business_date.isoformat(),
            "stage": codes.say(codes.STAGES, batch.stage, language),
            "round": batch.round,
            "kind": codes.say(codes.STATES, batch.kind, language),
            "sample": batch.sample,
            "part": batch.part,
            "rows": count(batch.rows),
            "fen": yuan(batch.sum_fen) if batch.sum_fen else "–",
            "state": batch.state,
            "state_word": codes.say(codes.STATES, batch.state, language),
            "request": batch.request_name,
            "request_sha256": batch.request_sha256,
            "result": batch.result_name,
            "result_sha256": batch.result_sha256,
            "chain": chain,
            "chain_short": short(chain),
        })  # fmt: skip
    return rows


def residuals(material: Material) -> dict[str, str]:
    """What stays at the legacy escrow."""
    table = material.claim["residuals"]
    moved = pc.not_equal(table["legacy_user_id"], table["entitled_user_id"])
    return {
        "accounts": count(int(pc.sum(pc.equal(table["status"], "available")).as_py() or 0)),
        "available": yuan(int(pc.sum(table["available_fen"]).as_py() or 0)),
        "frozen": yuan(int(pc.sum(table["frozen_fen"]).as_py() or 0)),
        "moved": count(int(pc.sum(moved).as_py() or 0)),
    }
