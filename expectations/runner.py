"""`GxJudge`: the rules judged by Great Expectations, with the guards it needs.

One ephemeral context, one pandas frame of tokenised counts, one suite and one validation a gate. Data Docs are not
built (they load from the network); the results come out as `CheckResult`s and are shown by expectations/page.py.
Importing Great Expectations takes seconds, so it is imported when first judging and never while a DAG is parsed.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from expectations import rules_of
from expectations.frame import SUBJECT, TOTAL, columns_of, frame_of
from expectations.outcome import Case, Keys, Measures, case_of, result_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migration.domain.values import CheckResult

RESULT_FORMAT: Final[dict[str, object]] = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "unexpected_index_column_names": [SUBJECT],
    "exclude_unexpected_values": True,
}
"""reliability.md R8: failing keys, no values. The only place where one is set (a test forbids any other)."""

_LOG: Final = logging.getLogger(__name__)


@cache
def load() -> Any:
    """Import Great Expectations, quiet: no usage reports over the network, no log noise."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    log = logging.getLogger("great_expectations")
    log.setLevel(logging.WARNING)  # it talks while it is imported,
    import great_expectations as gx  # noqa: PLC0415

    log.setLevel(logging.WARNING)  # and sets its own level then
    return gx


def _context(gx: Any) -> Any:
    """Make a context that lives in memory: no docs site (a folder under /tmp), no progress bars, no usage reports."""
    from great_expectations.data_context.types import base  # noqa: PLC0415

    config = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


class GxJudge:
    """Port `Judge` by Great Expectations."""

    def judge(self, stage: str, measures: Measures, keys: Keys) -> tuple[CheckResult, ...]:
        """Judge every rule of the stage; what is missing, or what Great Expectations could not do, is `not_checked`."""
        cases = [case_of(rule, measures, keys) for rule in rules_of(stage)]
        found = _validate(stage, [case for case in cases if case.judgeable])
        return tuple(_result(case, found.get(case.rule.id)) for case in cases)


def _validate(stage: str, cases: Sequence[Case]) -> dict[str, Any]:
    """Run one validation; rule id -> Great Expectations' result. Empty when the whole run could not be made."""
    if not cases:
        return {}
    try:
        return _run(stage, cases)
    except Exception as error:  # noqa: BLE001  # whatever breaks inside the library, the gate must say `not_checked`
        # Its messages and tracebacks may quote cells, so only the kind of error is told.
        _LOG.warning("the checks of %s could not be made: %s", stage, type(error).__name__)
        return {}


def _run(stage: str, cases: Sequence[Case]) -> dict[str, Any]:
    gx = load()
    frame = frame_of(cases)
    batch = (
        _context(gx)
        .data_sources.add_pandas("measures")
        .add_dataframe_asset(stage)
        .add_batch_definition_whole_dataframe("whole")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    suite = gx.ExpectationSuite(name=stage, expectations=[_expectation(gx, case) for case in cases])
    outcome = batch.validate(suite, result_format=RESULT_FORMAT)
    return {
        result.expectation_config.meta["rule"]: result
        for result in outcome.results
        if _complete(result, len(frame)) or not result.success
    }


def _expectation(gx: Any, case: Case) -> Any:
    """Write the expectation of a rule. Bounds are exact as floats (Rule sees to it); pairs compare as integers."""
    meta = {"rule": case.rule.id}
    if case.rule.kind == "equal":
        first, second = columns_of(case)
        return gx.expectations.ExpectColumnPairValuesToBeEqual(column_A=first, column_B=second, meta=meta)
    at_least, at_most = case.rule.kind == "at_least", case.rule.kind == "at_most"
    bound = case.rule.threshold
    return gx.expectations.ExpectColumnValuesToBeBetween(
        column=case.rule.id,
        min_value=None if at_most else bound,
        max_value=None if at_least else bound,
        meta=meta,
    )


def _complete(result: Any, rows: int) -> bool:
    """Whether a success looked at every row: an empty batch, or nulls, would pass too."""
    return result.result.get("element_count") == rows and not result.result.get("missing_count")


def _result(case: Case, found: Any) -> CheckResult:
    if found is None or _raised(found):
        return result_of(case, "not_checked")
    if found.success:
        return result_of(case, "passed")
    return result_of(case, "failed", _failing(found))


def _raised(found: Any) -> bool:
    """Whether the expectation broke instead of failing: both say success=False, only `exception_info` tells.

    It is one record for a rule, or one for each metric that broke.
    """
    info = found.exception_info or {}
    records = [info, *(value for value in info.values() if isinstance(value, dict))]
    return any(record.get("raised_exception") for record in records) or "unexpected_index_list" not in found.result


def _failing(found: Any) -> tuple[str, ...]:
    """Return the failing keys as Great Expectations names them; without values they come as lists of subjects."""
    named = [entry[SUBJECT] for entry in found.result["unexpected_index_list"]]
    subjects = {name for entry in named for name in (entry if isinstance(entry, list) else [entry])}
    return tuple(sorted(subjects - {TOTAL}))
