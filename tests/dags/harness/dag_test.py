"""Run DAGs in this process by `dag.test()` on the scripted double and write what came of it into a JSON file.

    python dag_test.py plays.json results.json     with plays like [{"dag": "cutover", "folder": ..., "conf": {...}}]

A process of its own, since Airflow reads its settings at import and takes logging over. The environment (AIRFLOW_HOME,
CUTOVER_ENGINE ...) comes from the caller; the metadata database is made here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from airflow.utils.db import initdb


def main(plays: list[dict]) -> list[dict]:
    initdb()
    import cutover

    dags = {dag.dag_id: dag for name, dag in vars(cutover).items() if name.endswith("_dag") and hasattr(dag, "dag_id")}
    return [_play(dags[play["dag"]], play) for play in plays]


def _play(dag, play: dict) -> dict:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    os.environ.update({"CUTOVER_DOUBLE": play["folder"], **play.get("env", {})})
    began = time.time()
    run = dag.test(run_conf=play.get("conf", {}), mark_success_pattern=play.get("marked"))
    tasks = [
        {"id": ti.task_id, "index": ti.map_index, "state": str(ti.state), "name": ti.rendered_map_index}
        for ti in run.get_task_instances()
    ]
    for name in play.get("env", {}):
        del os.environ[name]
    with create_session() as session:
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run_id)).all()
        assets = {event.asset.name: event.extra for event in events}
    return {"state": str(run.state), "tasks": tasks, "assets": assets, "seconds": time.time() - began}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
