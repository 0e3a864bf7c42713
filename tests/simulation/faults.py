"""Every kind of fault that a schedule may meet; a seed draws its own swarm of them."""

from __future__ import annotations

from random import Random
from typing import Final

from migration.sandbox.bank.corruptions import HOWS

PROCESS: Final = {
    "crash_before_write": "kill -9 just before a journal write",
    "crash_after_write": "kill -9 just after a journal write was committed",
    "crash_before_deliver": "kill -9 before the first byte of a request",
    "crash_after_deliver": "kill -9 after the rename, before it is recorded",
    "crash_in_quarantine": "kill -9 between the journal's note and the moving of a refused result",
    "crash_while_reading": "kill -9 at any read",
    "frozen_past_the_lease": "SIGSTOP until others took over, then SIGCONT: a stale fence",
    "two_runners": "two runs at once over the same cutover",
    "stage_driven_again": "an operator clears a stage",
    "step_driven_again": "an operator clears a single task",
    "clock_a_day_ahead": "the machine's clock jumps forward",
    "clock_a_day_back": "the machine's clock jumps back",
    "code_changed": "another version of the code goes on",
}
JOURNAL: Final = {
    "journal_away": "the database does not answer, nothing was written",
    "commit_answer_lost": "the connection is lost during COMMIT, the write happened",
}
FILES: Final = {
    "disk_full": "a request cannot be written",
    "deliver_answer_lost": "a request stands there, but the call failed",
    "manifest_fails": "a manifest cannot be written",
    "result_still_growing": "a result is seen while it is written",
    "result_vanishes": "a result is taken away again",
    "used_result_replaced": "another content under the name of a used result",
}
BANK: Final = {
    "bank_slow": "the bank lets requests lie",
    "answers_out_of_order": "later requests are answered first",
    "user_refused": "an account is refused once",
    "listing_refused": "a listing is refused once",
    "debt_refused": "a debt is refused once",
    "already_open": "the user opened his account himself meanwhile",
    "already_open_other": "flag N of somebody else",
    **{f"lie:{how}": f"a result spoilt: {how}" for how in HOWS},
}
PEOPLE: Final = {
    "own_request": "who asked tries to approve",
    "old_digest": "an approval for a digest that was superseded",
    "unknown_digest": "an approval for a digest nobody asked for",
    "approve_twice": "one person approves twice, written differently",
    "rejection": "a gate is rejected",
    "approve_after_rejection": "an approval after the rejection",
    "late_correction": "a correction at any moment",
    "signature": "an exception signed at any moment",
    "resend": "a refused item marked for re-sending at any moment",
    "source_changed": "the legacy side changes after the snapshot",
}
KINDS: Final = {**PROCESS, **JOURNAL, **FILES, **BANK, **PEOPLE}


def swarm(random: Random) -> frozenset[str]:
    """The kinds that this schedule may meet: about a third of them, so that each meets few others now and then."""
    share = random.choice((0.1, 0.3, 0.3, 0.5))
    return frozenset(kind for kind in KINDS if random.random() < share)
