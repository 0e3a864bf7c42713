"""The DAGs of the cutover (资金存管迁移): one for the whole, one a stage for re-driving, all from `STAGES`/`STEPS`.

One more reconciles each day after it (日终对账).

Airflow is the clock and the screen (reliability.md R1): each task calls one converging step of the engine; what has
been done, decided or refused stands in the journal. Nothing heavy is imported here; tasks import the engine.
"""

from __future__ import annotations

from cutover_flow.graph import daily_dag, stage_dag, stage_names, whole_dag, withdrawals_dag

cutover_dag = whole_dag()
cutover_daily_dag = daily_dag()

cutover_withdrawals_dag = withdrawals_dag()

for _name in stage_names():
    globals()[f"cutover_{_name}_dag"] = stage_dag(_name)
