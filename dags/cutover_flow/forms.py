"""The params forms: what may be filled in when a run is triggered. Nothing there can be filled in wrongly.

The configuration is no param: it comes from the environment (CUTOVER_CONFIG), the same for every task.
"""

from __future__ import annotations

from typing import Final

from airflow.sdk import Param

from cutover_flow.names import STAGE_WORDS
from migration.stages.order import STAGES

NO_PERSONAL_DATA: Final = r"^(?!.*([0-9０-９][ -]?){7})[^<>@\r\n]*$"
"""One line of free text without an ID, phone or card number (seven digits, also spaced) or a mail address."""


def reason_param() -> Param:
    """Ask why this run was started; optional, shown in the log of its tasks, stored nowhere else."""
    return Param(
        None,
        type=["null", "string"],
        maxLength=200,
        pattern=NO_PERSONAL_DATA,
        title="原因 · Reason",
        description="可不填。不得含证件号、手机号、卡号（不许连续 7 位数字）。 Optional; no ID, phone, card numbers.",
    )


def date_param() -> Param:
    """Ask for the day to reconcile."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="对账日期 · Day",
        description="可不填：运行日期的前一日。 Optional: else the day before the run's date.",
    )


def until_param() -> Param:
    """Ask for the last stage to do, inclusive (contract.md section 3)."""
    return Param(
        STAGES[-1],
        type="string",
        enum=list(STAGES),
        values_display={name: STAGE_WORDS[name].both for name in STAGES},
        title="做到哪个阶段（含） · Run until (inclusive)",
        description="其后的阶段显示为跳过。 Later stages show as skipped.",
    )
