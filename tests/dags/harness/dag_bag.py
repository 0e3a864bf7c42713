"""Parse the DAG folder as Airflow does and print what is in it, as JSON on the last line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HEAVY = ("pyarrow", "pandas", "numpy", "duckdb", "great_expectations", "migration.wiring", "migration.stages.engine")


def main(folder: Path) -> dict:
    import airflow.sdk  # noqa: F401 - its own imports are not ours
    from airflow.dag_processing.dagbag import DagBag

    before = set(sys.modules)
    bag = DagBag(dag_folder=str(folder), safe_mode=True)
    loaded = set(sys.modules) - before
    return {
        "errors": {str(file): text for file, text in bag.import_errors.items()},
        "files": {stat.file: stat.duration.total_seconds() for stat in bag.dagbag_stats},
        "heavy": sorted(name for name in HEAVY if name in loaded),
        "dags": {dag.dag_id: _dag(dag) for dag in bag.dags.values()},
    }


def _dag(dag) -> dict:
    return {
        "shown": dag.dag_display_name,
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "schedule": dag.timetable.summary if hasattr(dag.timetable, "summary") else str(dag.schedule),
        "params": {name: {"default": p.value, "schema": p.schema} for name, p in dag.params.items_()}
        if hasattr(dag.params, "items_")
        else {
            name: {"default": dag.params.get_param(name).value, "schema": dag.params.get_param(name).schema}
            for name in dag.params
        },
        "tasks": {task.task_id: _task(task) for task in dag.tasks},
        "leaves": sorted(task.task_id for task in dag.leaves),
    }


def _task(task) -> dict:
    partial = getattr(task, "partial_kwargs", None)
    read = partial.get if partial else (lambda name: getattr(task, name))
    return {
        "mapped": task.is_mapped,
        "pool": task.pool,
        "owner": task.owner,
        "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "retries": task.retries,
        "upstream": sorted(task.upstream_task_ids),
        "outlets": [asset.name for asset in task.outlets],
        "shown": read("task_display_name") or read("_task_display_property_value"),
        "index_template": read("map_index_template"),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1])), default=str))
