"""How the DAGs are built and what their tasks do; the DAG parser itself ignores this folder."""
