"""Gates: people approve digests, rules judge measures. Both must open before the next step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from expectations import page
from expectations.words import LANGUAGES
from migration.domain.errors import CouldNotCheck, GateClosed, Waiting
from migration.domain.findings import Finding
from migration.domain.values import CheckResult, Gate
from migration.stages.house import House


def digest_of(house: House, gate: str, round_no: int, content: Mapping[str, object]) -> str:
    """What an approval is bound to: data (file digests), configuration and code version, in canonical JSON."""
    terms = house.terms
    bound = {
        "cutover": terms.cutover_id,
        "gate": gate,
        "round": round_no,
        "configuration": terms.config_digest,
        "code": terms.code_digest,
        "snapshot": house.snapshot().digest,
        **content,
    }
    return hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def needed(house: House, gate: str) -> int:
    """Two persons (by configuration) where money moves, one elsewhere."""
    doubled = gate.endswith(".full") or gate.startswith("resend.") or gate in {"reconcile", "destroy"}
    return house.terms.require_approvals if doubled else 1


def ask(house: House, gate: str, round_no: int, digest: str) -> Gate:
    """Open the gate for a digest (an older digest is superseded); in a rehearsal, write the approvals given beforehand."""
    asked = house.journal.open_gate(house.fence, gate, round_no, digest, needed(house, gate), house.actor)
    house.failpoint(f"{gate}.after_ask")
    for name in house.approve_as:
        if asked.state != "pending":
            break
        if name != asked.requester and name not in asked.given:
            asked = house.journal.decide(gate, digest, name, "approve", "rehearsal", rehearsal=True)
            house.failpoint(f"{gate}.after_decision")
    return asked


def require_approval(house: House, gate: str, round_no: int, digest: str) -> None:
    """Go on only when this very digest is approved. Waiting while it is pending, GateClosed once it is rejected."""
    asked = ask(house, gate, round_no, digest)
    if asked.state in {"approved", "rejected"}:
        house.seal(house.fence, gate, digest)
        house.failpoint(f"{gate}.after_root")
    if asked.state == "rejected":
        reason = next((d.reason for d in asked.decisions if d.decision == "reject"), "")
        raise GateClosed.of(
            "REJECTED",
            gate,
            f"rejected for digest {digest[:12]}: {reason}",
            "change what was rejected; a new digest needs a new approval",
        )
    wanted = max(asked.needed, needed(house, gate))  # whoever opened the gate may have asked for fewer persons
    if asked.state != "approved" or len(asked.given) < wanted:
        raise Waiting.of(
            "APPROVAL_MISSING",
            gate,
            f"{len(asked.given)} of {wanted} approvals given for digest {digest[:12]}",
            f"cutover approve {gate} --digest {digest} --as NAME",
        )


def judge(
    house: House, stage: str, round_no: int, measures: Mapping[str, int | None], keys: Mapping[str, Sequence[str]]
) -> None:
    """Judge the stage's rules, keep results and page, and close the gate on a blocking failure or a check that was not made."""
    results = house.judge.judge(stage, measures, keys)
    house.failpoint(f"{stage}.before_checks")
    house.journal.record_checks(house.fence, stage, round_no, results)
    house.failpoint(f"{stage}.after_checks")
    for language in LANGUAGES if results else ():
        house.report(f"gate-{stage}-{round_no}-{language}.html", page.page(stage, round_no, results, language))
    failed = [r for r in results if r.outcome == "failed" and r.severity == "blocking"]
    if failed:
        raise GateClosed(*(finding(r) for r in failed))
    unchecked = [r for r in results if r.outcome == "not_checked" and r.severity == "blocking"]
    if unchecked:
        raise CouldNotCheck(*(finding(r) for r in unchecked))


def finding(result: CheckResult) -> Finding:
    """Say in both languages what a rule found: how many, the first keys, what it blocks, who owns it."""
    zh, en = (page.said(result, language) for language in LANGUAGES)
    return Finding(result.rule_id, result.entity, f"{zh} / {en}", f"{result.clause} (docs/rules.md)")
