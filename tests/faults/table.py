"""Every fault of the groups Bank and Files, the tests that inject it, and what must come of it.

`python -m tests.faults.table` writes docs/faults.md; test_table.py holds that the page is up to date, that every test
named here exists, and that no fault is without one. The test report prints the table with the outcomes of the run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
STAGE = "tests/faults/test_result_files.py::"
JUDGE = "tests/unit/bank/test_results.py::"
WHOLE = "tests/integration/test_whole_cutover.py::"
FILES = "tests/contract/test_files.py::"
WIRE = "tests/unit/bank/test_transport.py::"
SFTP = "tests/unit/bank/test_sftp.py::"
HOURS = "tests/integration/test_windows.py::"
ASKING = "tests/integration/test_asking.py::"
QUERY = "tests/unit/bank/test_query.py::"
MEANWHILE = "tests/faults/test_opened_meanwhile.py::"

STOP = "quarantined, 0 rows applied, exit 3; the good file goes on"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its group, its name as the rules of reliability give it, its tests, the outcome they assert."""

    group: str
    name: str
    tests: tuple[str, ...]
    outcome: str


def _bank(name: str, outcome: str, *tests: str) -> Fault:
    return Fault("Bank", name, tests, outcome)


def _files(name: str, outcome: str, *tests: str) -> Fault:
    return Fault("Files", name, tests, outcome)


FAULTS = (
    _bank("time-out before the effect", "waited for, exit 4; sent again only when not found twice past the window and approved, once", f"{WHOLE}test_a_missing_result_is_waited_for_and_then_reported", f"{ASKING}test_not_found_twice_past_the_window_and_approved_is_sent_once", f"{QUERY}test_a_counter_that_takes_the_call_and_never_says_a_word"),
    _bank("time-out after the effect", "asked: found and recorded, never sent again; an answer that comes late is applied once", f"{WHOLE}test_company_results_may_take_days", f"{SFTP}test_dropped_after_the_rename_the_request_is_found_and_not_sent_again", f"{ASKING}test_an_answer_lost_after_the_bank_took_the_file_is_asked_for", f"{ASKING}test_the_file_s_answer_lost_and_the_questions_answers_too", f"{QUERY}test_a_lost_answer_is_asked_for_again_with_another_number"),
    _bank("502 after the effect", "asked again, then exit 1 and nothing decided; the next run asks: found, never sent again", f"{ASKING}test_the_file_s_answer_lost_and_the_questions_answers_too", f"{ASKING}test_without_an_answer_the_outcome_stays_unknown", f"{QUERY}test_lost_at_every_try_it_is_said_to_be_unavailable"),
    _bank("reset in mid-answer", "a file that breaks off is waited for, then quarantined; a question is asked again", f"{STAGE}test_picked_up_while_it_is_being_written", f"{STAGE}test_cut_at_every_byte", f"{SFTP}test_dropped_at_every_nth_byte_of_a_delivery_it_is_delivered_whole_in_the_end", f"{ASKING}test_the_file_s_answer_lost_and_the_questions_answers_too", f"{QUERY}test_a_lost_answer_is_asked_for_again_with_another_number"),
    _bank("slow drip", "neither applied nor quarantined while it grows; a question is given up after the time for the whole", f"{STAGE}test_picked_up_while_it_is_being_written", f"{SFTP}test_a_server_that_drips_is_given_up_after_the_time_for_the_whole", f"{QUERY}test_lost_at_every_try_it_is_said_to_be_unavailable", f"{QUERY}test_a_lost_answer_is_asked_for_again_with_another_number"),
    _bank("processing for hours", "exit 4, visible since when; the run goes on later", f"{WHOLE}test_a_missing_result_is_waited_for_and_then_reported", f"{WHOLE}test_company_results_may_take_days", f"{ASKING}test_processing_for_hours_is_waited_for", f"{QUERY}test_no_answer_yet_is_an_answer"),
    _bank("not found first and success later", "waited for; the late success is applied once, nothing is sent again", f"{WHOLE}test_a_missing_result_is_waited_for_and_then_reported", f"{ASKING}test_not_found_first_and_found_later_is_not_sent_again"),
    _bank("duplicate on a first send", "looked up: ours when the bank holds what was sent; else outcome unknown, exit 5, until signed", f"{WHOLE}test_code_22_is_an_unknown_outcome_that_only_a_signature_resolves", "tests/integration/test_authorisations.py::test_the_run_stops_for_the_unknown_outcome_and_for_the_holder_only", f"{ASKING}test_exists_already_is_looked_up_and_taken_when_it_is_ours", f"{ASKING}test_exists_already_with_other_content_stays_unknown", f"{QUERY}test_told_to_ask_again"),
    _bank("success code with a wrong number", "in a file: " + STOP + "; in a reply: QUERY_CONTRADICTS, exit 5, nothing recorded", f"{STAGE}test_bad_then_good", f"{JUDGE}test_success_without_a_valid_account_number", f"{JUDGE}test_one_number_for_two_users", f"{ASKING}test_signed_answers_that_lie_are_no_answers"),
    _bank("success code with a wrong amount", "in a file: " + STOP + "; in a reply: QUERY_CONTRADICTS, exit 5, nothing recorded", f"{STAGE}test_one_field_wrong", f"{JUDGE}test_echo_of_a_debt", f"{ASKING}test_signed_answers_that_lie_are_no_answers"),
    _bank("replayed old answer", "in a file: " + STOP + "; in a reply: QUERY_REPLAYED, exit 5, nothing recorded", f"{STAGE}test_an_earlier_answer_under_this_name", f"{ASKING}test_signed_answers_that_lie_are_no_answers", f"{QUERY}test_an_old_answer_is_refused_at_once", f"{QUERY}test_an_answer_about_somebody_else_is_refused"),
    _bank("success code with a wrong currency", "in a reply: QUERY_CONTRADICTS, exit 5; by the daily reconciliation: DAILY_CURRENCY; no result file carries one", "tests/integration/test_daily.py::test_another_currency", f"{ASKING}test_signed_answers_that_lie_are_no_answers"),
    _bank("certificate or key changed", "refused, never added; nothing is sent, asked or recorded", f"{SFTP}test_a_changed_host_key_is_refused_and_never_added", f"{SFTP}test_a_host_key_of_another_kind_is_refused", f"{ASKING}test_another_certificate_and_nothing_is_asked_nor_decided", f"{QUERY}test_the_server_s_certificate_has_changed", f"{QUERY}test_the_bank_s_key_has_changed", f"{QUERY}test_the_bank_does_not_know_our_key"),
    _bank("window closed", "waited for until the next slot, which is said; no worker is held", f"{HOURS}test_the_night_goes_from_slot_to_slot", f"{HOURS}test_what_comes_after_the_last_slot_is_answered_the_next_morning", f"{HOURS}test_airflow_is_told_when_to_come_again", f"{QUERY}test_no_answer_yet_is_an_answer", f"{ASKING}test_the_day_cut_is_waited_for", f"{QUERY}test_the_day_cut_is_waited_for_and_not_knocked_at"),
    _bank("rate limit", "asked less often, each pause longer; at every try: exit 1, nothing decided", f"{QUERY}test_told_to_ask_again", f"{QUERY}test_told_so_at_every_try"),
    _files("truncated at every byte", STOP, f"{JUDGE}test_cut_at_every_byte_it_is_refused", f"{STAGE}test_cut_at_every_byte", "tests/unit/bank/test_authorisation_results.py::test_cut_at_every_byte_it_is_refused"),
    _files("same file twice", "no-op", f"{STAGE}test_the_same_file_twice_is_nothing", f"{WHOLE}test_a_second_run_changes_nothing"),
    _files("same name, other content", "stop, exit 3; what was applied stands", f"{STAGE}test_other_content_under_a_used_name_stops_the_next_run", f"{WHOLE}test_a_used_result_that_changes_stops_the_next_run"),
    _files("rows reordered", "the same result", f"{STAGE}test_rows_in_another_order_give_the_same", f"{JUDGE}test_order_and_line_ending_do_not_matter"),
    _files("rows doubled", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_rows_unknown_missing_doubled"),
    _files("rows unknown", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_rows_unknown_missing_doubled"),
    _files("rows missing", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_rows_unknown_missing_doubled"),
    _files("contradicting an earlier file", STOP, f"{STAGE}test_a_number_that_an_earlier_file_gave_to_somebody_else", f"{JUDGE}test_an_authorisation_code_is_given_once"),
    _files("personal and corporate swapped", STOP, f"{STAGE}test_persons_and_companies_swapped", f"{JUDGE}test_persons_answered_with_the_companies_file"),
    _files("another batch's header fields", STOP, f"{STAGE}test_one_field_wrong", f"{JUDGE}test_another_batch_s_header"),
    _files("another date's header fields", STOP, f"{STAGE}test_one_field_wrong", f"{STAGE}test_an_earlier_answer_under_this_name"),
    _files("half a GBK character at a field edge", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_unreadable_fields"),
    _files("NUL", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_unreadable_fields"),
    _files("BOM", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_a_byte_order_mark"),
    _files("lone CR", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_line_endings_of_two_kinds_or_none"),
    _files("full-width digits", STOP, f"{STAGE}test_bad_then_good", f"{JUDGE}test_unreadable_fields"),
    _files("name over its width", "in an answer: " + STOP + "; in our data: the item is an exception", f"{STAGE}test_bad_then_good", "tests/integration/test_hazards.py::test_h08_long_names_are_refused_and_brackets_agree"),
    _files("picked up while being written", "neither applied nor quarantined until it is whole", f"{STAGE}test_picked_up_while_it_is_being_written", f"{FILES}test_a_result_is_absent_then_growing_then_settled"),
    _files("../../x as file name", "refused everywhere (FILE_NAME); nothing is read or written outside", f"{FILES}test_names_off_the_allow_list_are_refused_everywhere"),
    _files("absolute file name", "refused everywhere (FILE_NAME)", f"{FILES}test_names_off_the_allow_list_are_refused_everywhere"),
    _files("symlink as file name", "refused (FILE_UNSAFE), never followed", f"{STAGE}test_a_link_in_place_of_a_result_is_not_followed", f"{WIRE}test_unsafe_things_in_place_of_a_file", f"{WIRE}test_a_linked_folder_on_the_way_in"),
    _files("the account was opened meanwhile by the user himself", "FLAG N: linked, no second account", f"{MEANWHILE}test_his_own_account_is_linked_and_no_second_one_is_opened", f"{MEANWHILE}test_somebody_else_s_account_is_not"),
)  # fmt: skip


@lru_cache(maxsize=64)
def functions(path: str) -> frozenset[str]:
    """The tests that a file defines."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def page() -> str:
    """The page docs/faults.md."""
    lines = [
        "# Faults of the bank and of its files, and what comes of them",
        "",
        "Every fault of the groups *Bank* and *Files* that the product is held to, the tests that inject it, and the outcome they assert. Written by",
        "`python -m tests.faults.table`; a test holds this page against the tests that exist, and `make test` prints the table with the run's outcomes.",
        "Each bad result file goes through a whole small cutover, for persons, companies, listings, debts and authorisations alike: 0 rows applied, no",
        "name, ID number, phone, card or account number in any message, log, event, manifest or note; then the good file in its place.",
        "",
        "| group | fault | outcome | tests |",
        "|---|---|---|---|",
    ]
    for fault in FAULTS:
        named = "<br>".join(f"`{node.partition('tests/')[2]}`" for node in fault.tests)
        lines.append(f"| {fault.group} | {fault.name} | {fault.outcome} | {named} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
