"""What both journals decide the same way: states, names, ids, answers at a gate. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from migration.domain.errors import ConfigurationError, CutoverError, GateClosed, InputRefused, StaleFence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from migration.domain.values import Batch, Gate, GateState, Right

TERMINAL: Final = frozenset({"opened", "excepted", "registered", "not_migrated"})
"""Dispositions an item never leaves (I7)."""

AWAITING: Final = frozenset({"delivered", "quarantined", "answered"})
"""Batch states in which a result may be applied."""

UNDELIVERED: Final = frozenset({"planned", "sealed"})
ANSWERED: Final = frozenset({"applied", "unknown"})
KINDS: Final = ("rehearsal", "production")
STAGES: Final = (
    "preflight",
    "identities",
    "accounts",
    "reopen",
    "listings",
    "debts",
    "rounds",
    "residual",
    "reconcile",
)
STAGE_STATES: Final = ("running", "done", "closed", "waiting")
FIELDS: Final = frozenset({"name", "id_type", "id_no", "phone", "sex", "email", "corporate_account", "verified_at"})
"""What a correction may change (contract.md section 3)."""

_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_LOOKALIKES: Final = str.maketrans("01|", "oll")
_NAME: Final = re.compile("[ -~\u00b7\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]+")
"""What is left of a name without accents and compatibility forms."""

LAST_NUMBER: Final = 999_999
BANK_CODE: Final = "BANK_"
RESENDABLE: Final = frozenset({"listings", "debts"})


def sha256(content: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def exception_id(entity: str, key: str, code: str) -> str:
    """`X` and the first 12 hex digits of SHA-256("entity|key|code")."""
    return "X" + sha256(f"{entity}|{key}|{code}".encode())[:12]


def person_key(name: str) -> str:
    """Return a person's name as compared: one person is not two by case, width, blanks, accents, or 0 for o and 1 for l.

    The database has the same as `journal.person_key`, so that SQL by hand cannot give another.
    """
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", name))
    return " ".join(plain.lower().split()).translate(_LOOKALIKES)


def person(name: str, subject: str) -> str:
    """Return the name to record; InputRefused: NAME_EMPTY, NAME_CHARACTERS.

    Other scripts and invisible characters are refused: they can be made to look like another person's name.
    """
    if not name.strip():
        raise InputRefused.of("NAME_EMPTY", subject, "who acts must be named", "give --as NAME")
    if not _NAME.fullmatch(_ACCENTS.sub("", unicodedata.normalize("NFKD", name.strip()))):
        detail = "a name is written in Chinese or Latin letters, without invisible characters"
        raise InputRefused.of("NAME_CHARACTERS", subject, detail, "give --as NAME")
    return name.strip()


def reason_given(reason: str, subject: str) -> str:
    """Return the reason to record; InputRefused(REASON_EMPTY) when there is none."""
    if not reason.strip():
        raise InputRefused.of("REASON_EMPTY", subject, "a reason must be given", "give --reason TEXT")
    return reason.strip()


def label(batch: Batch) -> str:
    """How a batch is named in messages: `batches/2017-11-18/000003`."""
    return f"batches/{batch.business_date.isoformat()}/{batch.batch_no}"


def check_fence(given: int, current: int) -> None:
    """StaleFence(FENCE_LOST) when another run has taken over."""
    if given != current:
        raise StaleFence.of("FENCE_LOST", "journal", f"token {given} is stale, {current} rules", "this run must stop")


def check_new(cutover_id: str, kind: str) -> None:
    """ConfigurationError(CUTOVER_KIND) when a cutover cannot be begun so."""
    if not cutover_id or kind not in KINDS:
        raise ConfigurationError.of(
            "CUTOVER_KIND", "cutover.kind", f"must be one of {', '.join(KINDS)}; the id not empty"
        )


def check_fields(fields: Iterable[str | None]) -> None:
    """InputRefused(CORRECTION_FIELD) when a correction names a field that cannot be corrected."""
    if not FIELDS.issuperset(fields):
        raise InputRefused.of("CORRECTION_FIELD", "corrections", f"a field is not one of {', '.join(sorted(FIELDS))}")


def check_stage(stage: str, state: str) -> None:
    """ValueError on a stage or state that there is not: a mistake of the caller."""
    if stage not in STAGES or state not in STAGE_STATES:
        raise ValueError(f"no such stage or state: {stage} {state}")


def check_kind(cutover_id: str, kind: str, recorded: str) -> None:
    """ConfigurationError(CUTOVER_KIND) when the cutover was begun as another kind."""
    if kind != recorded:
        detail = f"{cutover_id} was begun as {recorded}, not {kind}"
        raise ConfigurationError.of("CUTOVER_KIND", "cutover.kind", detail, "use another cutover.id")


def check_number(number: int, subject: str) -> None:
    """ConfigurationError when a date's six digits are used up."""
    if number > LAST_NUMBER:
        raise ConfigurationError.of("BATCH_NUMBERS_SPENT", subject, "no batch number is left on this business date")


def unknown_batch(batch: Batch) -> CutoverError:
    """Build the error of a batch that is not (or no longer) in the journal."""
    return GateClosed.of("BATCH_UNKNOWN", label(batch), "the journal holds no such batch")


def wrong_state(batch: Batch, wanted: str) -> CutoverError:
    """Build the error of a batch in a state that does not allow the step."""
    return GateClosed.of("BATCH_STATE", label(batch), f"is {batch.state}, must be {wanted}")


def seals(batch: Batch, request_name: str, digest: str) -> bool:
    """Whether sealing is still to be done; GateClosed(SEAL_CONFLICT) when it was done with other bytes."""
    if batch.state == "planned":
        return True
    if (batch.request_name, batch.request_sha256) != (request_name, digest):
        raise GateClosed.of("SEAL_CONFLICT", label(batch), "is sealed with other bytes or under another name")
    return False


def delivers(batch: Batch, digest: str, gate: Gate | None) -> bool:
    """Whether delivery is still to be recorded. R7: the gate must have approved this very digest."""
    if batch.state == "planned":
        raise wrong_state(batch, "sealed")
    if batch.state != "sealed":
        if batch.digest != digest:
            raise GateClosed.of("DELIVERY_DIGEST", label(batch), "was delivered under another approved digest")
        return False
    if batch.gate and (gate is None or gate.state != "approved"):
        state = "not known" if gate is None else gate.state
        raise GateClosed.of("GATE_NOT_APPROVED", label(batch), f"gate {batch.gate} is {state} for this digest")
    return True


def applies(batch: Batch, digest: str) -> bool:
    """Whether a result is still to be applied; GateClosed(RESULT_CONTRADICTS) when another one was."""
    if batch.state in ANSWERED:
        if batch.result_sha256 != digest:
            raise GateClosed.of("RESULT_CONTRADICTS", label(batch), "another result has been applied")
        return False
    if batch.state not in AWAITING:
        raise wrong_state(batch, "delivered")
    return True


def resolves(batch: Batch) -> bool:
    """Whether the batch still awaits its result when the bank is asked; GateClosed(BATCH_STATE) before its delivery."""
    if batch.state in UNDELIVERED:
        raise wrong_state(batch, "delivered")
    return batch.state in AWAITING


def answers_incomplete(batch: Batch) -> CutoverError:
    """Build the error of answers that are not one for every row sent (I5)."""
    return GateClosed.of("ANSWERS_INCOMPLETE", label(batch), "the answers are not one for every row sent")


def may_approve(rights: Sequence[Right], name: str) -> bool:
    """Whether a person may approve: what was said of him last; while nobody was granted, everybody else may."""
    mine = [right.standing for right in rights if person_key(right.name) == person_key(name)]
    return mine[-1] == "granted" if mine else all(right.standing == "revoked" for right in rights)


def sets_right(rights: Sequence[Right], name: str, standing: str, by: str) -> bool:
    """Whether a right is to be written; False when it stands so. InputRefused(OWN_RIGHT): nobody grants himself."""
    if standing == "granted" and person_key(name) == person_key(by):
        raise InputRefused.of("OWN_RIGHT", "approvers", "nobody grants himself the right to approve")
    mine = [right.standing for right in rights if person_key(right.name) == person_key(name)]
    return mine[-1:] != [standing]


def effective(gate: Gate) -> Gate:
    """Return the gate as it counts: one that lost approvals by revoked rights waits for others."""
    if gate.state == "approved" and len(gate.given) < gate.needed:
        return replace(gate, state="pending")
    return gate


def decides(
    gate: Gate | None,
    name: str,
    decision: Literal["approve", "reject"],
    subject: str,
    rights: Sequence[Right] = (),
    *,
    rehearsal: bool = False,
) -> bool:
    """Whether an answer is to be recorded; False when this person gave it before. InputRefused otherwise.

    Codes, in this order of test: REHEARSAL_APPROVAL (`rehearsal`: an answer written beforehand, in production),
    GATE_UNKNOWN, GATE_SUPERSEDED, APPROVER_NO_RIGHT, (the same answer again: nothing to do), GATE_REJECTED, OWN_REQUEST,
    ALREADY_DECIDED, GATE_APPROVED (a rejection after the approval was complete).
    """
    if rehearsal:
        detail = "answers written beforehand are for rehearsals"
        raise InputRefused.of("REHEARSAL_APPROVAL", subject, detail, "cutover approve")
    if gate is None:
        raise InputRefused.of("GATE_UNKNOWN", subject, "no such gate or digest", "see: cutover approvals")
    if gate.state == "superseded":
        raise InputRefused.of(
            "GATE_SUPERSEDED", subject, "a newer digest has taken its place", "see: cutover approvals"
        )
    if not may_approve(rights, name):
        detail = "this person has no right to approve (revoked, or others are named)"
        raise InputRefused.of("APPROVER_NO_RIGHT", subject, detail, "see: cutover approvers")
    mine = [d.decision for d in gate.decisions if person_key(d.name) == person_key(name)]
    if decision in mine:
        return False
    if gate.state == "rejected":
        raise InputRefused.of("GATE_REJECTED", subject, "was rejected; that is final for this digest")
    if person_key(name) == person_key(gate.requester):
        raise InputRefused.of("OWN_REQUEST", subject, "who asked for the approval cannot answer it")
    if mine:
        raise InputRefused.of("ALREADY_DECIDED", subject, "this person has answered otherwise before")
    if decision == "reject" and gate.state == "approved":
        raise InputRefused.of("GATE_APPROVED", subject, "is approved already and can no longer be rejected")
    return True


def state_after(gate: Gate, decision: Literal["approve", "reject"]) -> GateState:
    """Return the gate's state once this answer is counted: rejected on the first rejection."""
    if decision == "reject":
        return "rejected"
    return "approved" if len(gate.given) + 1 >= gate.needed else "pending"


def check_sign(exception_id_: str, state: str | None) -> bool:
    """Whether a signature is to be written; False when it stands already. InputRefused on an unknown or mended one."""
    subject = f"exceptions/{exception_id_}"
    if state is None:
        raise InputRefused.of("EXCEPTION_UNKNOWN", subject, "no such exception", "see: cutover exceptions")
    if state == "mended":
        raise InputRefused.of("EXCEPTION_MENDED", subject, "is mended; there is nothing to sign")
    return state == "open"


def check_resend(exception_id_: str, state: str | None, entity: str, code: str, latest: str | None) -> None:
    """InputRefused unless this is an open refusal, by the bank, of a listing or debt whose last attempt was refused."""
    subject = f"exceptions/{exception_id_}"
    if state is None:
        raise InputRefused.of("EXCEPTION_UNKNOWN", subject, "no such exception", "see: cutover exceptions")
    if state == "signed":
        raise InputRefused.of("SIGNED_FINAL", subject, "is signed; that is final")
    if state == "mended":
        raise InputRefused.of("EXCEPTION_MENDED", subject, "is mended; there is nothing to send again")
    if entity not in RESENDABLE or not code.startswith(BANK_CODE) or latest != "refused":
        detail = "only a listing or debt that the bank refused can be sent again"
        raise InputRefused.of("RESEND_NOT_POSSIBLE", subject, detail)
