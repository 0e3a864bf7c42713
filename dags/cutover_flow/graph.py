"""The graphs: tasks, groups, assets and the watcher, built from the one list of stages and steps."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, TaskGroup, TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import DownstreamTasksSkipped

from cutover_flow import knobs
from cutover_flow.converge import STOPPED, converge, extra, fail
from cutover_flow.forms import date_param, reason_param, until_param
from cutover_flow.names import DAILY, STAGE_WORDS, WHOLE, WITHDRAWALS, Words, page, step_page, step_words
from migration.stages.order import ROUNDS, STAGES, STEPS, Step

if TYPE_CHECKING:
    from airflow.sdk import XComArg

OWNER: Final = "存管迁移组 · custody-cutover"
TAGS: Final = ["cutover", "资金存管"]
WATCHER: Final = "watcher"
MAPPED_LIMIT: Final = 1
BANK_CLOCK: Final = ZoneInfo("Asia/Shanghai")
RETRIES: Final = 6
LONGEST_PAUSE: Final = timedelta(minutes=2)

log = logging.getLogger("cutover")


def stage_names() -> tuple[str, ...]:
    """List the stages in order, with the further rounds between `debts` and `residual`."""
    cut = STAGES.index("residual")
    return (*STAGES[:cut], ROUNDS, *STAGES[cut:])


def asset_of(stage: str) -> Asset:
    """Name the asset a finished stage publishes."""
    return Asset(name=f"cutover.{stage}", uri=f"cutover://stage/{stage}", group="cutover")


def whole_dag() -> DAG:
    """Build the whole cutover in one graph, a task group a stage."""
    with _dag("cutover", WHOLE, None, {"until": until_param(), "reason": reason_param()}) as dag:
        names = stage_names()
        steps = {name: _stage(name) for name in names}
        chain(*(task for name in names for task in steps[name]))
        _watch([task for name in names for task in steps[name]])
    return dag


def stage_dag(stage: str) -> DAG:
    """Build one stage alone, for re-driving."""
    with _dag(f"cutover_{stage}", STAGE_WORDS[stage], stage, {"reason": reason_param()}) as dag:
        steps = _stage(stage)
        chain(*steps)
        _watch(steps)
    return dag


def daily_dag() -> DAG:
    """Build the reconciliation of one day after the cutover; not a stage, so it publishes no asset."""
    return _day_dag("cutover_daily", DAILY, {"take": DAILY})


def withdrawals_dag() -> DAG:
    """Build the residual balances' day: the escrow's reversals, then the ledger with its gate."""
    return _day_dag("cutover_withdrawals", WITHDRAWALS, {"reversals": "reversals", "ledger": "ledger"})


def _day_dag(dag_id: str, name: str, steps: dict[str, str]) -> DAG:
    """Make a DAG of steps (step -> task id) that each take the day asked for."""
    params = {"date": date_param(), "reason": reason_param()}
    with _dag(dag_id, STAGE_WORDS[name], name, params, schedule=knobs.daily_schedule()) as dag:
        tasks = [_day_task(name, step, task_id)() for step, task_id in steps.items()]
        chain(*tasks)
        _watch(tasks)
    return dag


def _day_task(name: str, step: str, task_id: str) -> Any:
    @task(
        task_id=task_id,
        task_display_name=STAGE_WORDS[name].both if task_id == name else step_words(step).both,
        doc_md=step_page(name, step),
        pool=knobs.pool(),
        trigger_rule=TriggerRule.NONE_FAILED,
        multiple_outputs=False,
    )
    def reconcile() -> dict[str, int]:
        _say_why()
        report, _ = converge(name, step, _day())
        return dict(report.totals)

    return reconcile


def _day() -> str:
    """The day asked for; else the day before the run's date, by the clock of the bank."""
    context = get_current_context()
    asked = context["params"].get("date")
    return asked or (context["logical_date"].astimezone(BANK_CLOCK) - timedelta(days=1)).date().isoformat()


def _dag(dag_id: str, words: Words, stage: str | None, params: dict[str, Any], *, schedule: str | None = None) -> DAG:
    """Make a DAG that runs when somebody triggers it (or on its schedule), once at a time and one task at a time."""
    return DAG(
        dag_id=dag_id,
        dag_display_name=words.both,
        description=f"{words.says_zh} {words.says_en}",
        doc_md=page(words, stage=stage),
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        max_active_tasks=1,
        tags=[*TAGS, stage or "all"],
        params=params,
        default_args={
            "owner": OWNER,
            # Airflow spends retries of its own: a waiting task that comes back before its last process was reported gone,
            # every start while the API server is away
            "retries": RETRIES,
            "retry_delay": knobs.retry_delay(),
            "retry_exponential_backoff": True,
            "max_retry_delay": LONGEST_PAUSE,
        },
    )


def _stage(stage: str) -> list[XComArg]:
    """Make the tasks of one stage in its group, in order. A step before mapped ones yields the ids they run over."""
    words = STAGE_WORDS[stage]
    tasks: list[XComArg] = []
    with TaskGroup(group_id=stage, group_display_name=words.both, tooltip=f"{words.says_zh} {words.says_en}"):
        ids: XComArg | None = None
        steps = STEPS[stage]
        for position, step in enumerate(steps):
            follower = next((s for s in steps[position + 1 :] if s.mapped), None)
            over = follower.name if follower and steps[position + 1] is follower and not step.mapped else ""
            body = _body(stage, step, over=over, last=position == len(steps) - 1)
            if step.mapped:
                tasks.append(body.expand(batch=ids))
            else:
                tasks.append(body())
                ids = tasks[-1] if over else ids
    return tasks


def _body(stage: str, step: Step, *, over: str, last: bool) -> Any:
    """Make the decorated function of one step."""
    common: dict[str, Any] = {
        "task_id": step.name,
        "task_display_name": step_words(step.name).both,
        "doc_md": step_page(stage, step.name),
        "pool": knobs.pool(),
        # a mapped step over no batches is skipped; what follows runs all the same
        "trigger_rule": TriggerRule.NONE_FAILED,
        "multiple_outputs": False,
    }
    if step.mapped:

        @task(**common, map_index_template="{{ batch_id }}", max_active_tis_per_dagrun=MAPPED_LIMIT)
        def mapped(batch: str) -> dict[str, int]:
            get_current_context()["batch_id"] = batch
            report, _ = converge(stage, step.name, batch)
            return dict(report.totals)

        return mapped

    asset = asset_of(stage) if last else None

    @task(**common, outlets=[asset] if asset else None)
    def single() -> list[str] | dict[str, int]:
        _say_why()
        report, ids = converge(stage, step.name, over=over)
        if asset:
            get_current_context()["outlet_events"][asset].extra = extra(report)
            _end_here(stage)
        return ids if over else dict(report.totals)

    return single


def _say_why() -> None:
    reason = get_current_context()["params"].get("reason")
    if reason:
        log.info("触发原因 / triggered because: %s", reason)


def _end_here(stage: str) -> None:
    """After the stage named by `until`, everything later is skipped and the run ends green."""
    context = get_current_context()
    names = stage_names()
    if context["params"].get("until") != stage or stage == names[-1]:
        return
    later = names[names.index(stage) + 1 :]
    log.info("到此为止（until=%s）/ done up to %s as asked", stage, stage)
    raise DownstreamTasksSkipped(tasks=[f"{name}.{step.name}" for name in later for step in STEPS[name]])


def _watch(tasks: list[XComArg]) -> None:
    """Add the leaf: a run's colour comes from its leaves, so one that fails with any task keeps a stopped run red."""

    @task(
        task_id=WATCHER,
        task_display_name="守望 · Watcher",
        doc_md="任一任务失败，本任务随之失败，运行因此变红。\n\nFails when any task failed; that turns the run red.\n",
        trigger_rule=TriggerRule.ONE_FAILED,
        retries=0,
    )
    def watcher() -> None:
        ti = get_current_context()["ti"]
        states = type(ti).get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
        stopped = sorted(name for name, state in states.items() if state == "failed" and name != WATCHER)
        said = [code for name in stopped for code in _codes_left_by(ti, name)]
        why = ", ".join(dict.fromkeys(said)) or "?"
        where = ", ".join(stopped) or "?"
        fail(
            f"运行已停止：{where}：{why}；详见其日志最后一行 / "
            f"the run stopped at {where}: {why}; the last line of its log says more",
            said,
        )

    chain(tasks, watcher())


def _codes_left_by(ti: Any, name: str) -> list[str]:
    """Fetch the stable codes a failed task left; `accounts.deliver_3` is the map index 3 of `accounts.deliver`."""
    base, _, index = name.rpartition("_")
    if index.isdigit():
        return ti.xcom_pull(task_ids=base, key=STOPPED, map_indexes=int(index)) or []
    return ti.xcom_pull(task_ids=name, key=STOPPED) or []
