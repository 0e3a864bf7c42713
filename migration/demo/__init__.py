"""The demonstration: the whole cutover of `sample_data/` in a real Airflow, on this machine, as a rehearsal.

It starts what it needs as processes of its own (PostgreSQL, the sandbox bank, Airflow's API server, scheduler and
DAG processor), triggers the DAG over REST, plays the people (approvals, corrections, signatures) and stops it all.
Airflow is driven by its command line and its REST API only; nothing here imports it.
"""

from __future__ import annotations

from migration.demo.show import run_demo, run_ui

__all__ = ["run_demo", "run_ui"]
