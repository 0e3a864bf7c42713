# Cutover. `make demo` and `make test` are the two to know; each does the set-up by itself.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.requirements.sha256
export AIRFLOW_HOME ?= $(CURDIR)/var/airflow
export AIRFLOW__CORE__LOAD_EXAMPLES = False
unexport PYTHONDONTWRITEBYTECODE # hundreds of processes start here: none should compile what another one has compiled

.DEFAULT_GOAL := help
.PHONY: help setup demo ui rehearse test check lint format lock clean bench-small bench simulate crash-pairs kill-campaign airflow-chaos planted mutation fuzz tamper race

help: ## Print what there is to make.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the pinned requirements (by uv where it is there, else by pip).
	@$(PYTHON) .ci/setup_venv.py

demo: setup ## The main job: a whole cutover of sample_data/ in a real Airflow.
	@$(BIN)/cutover demo

ui: setup ## The same, and keep the Airflow UI up until Ctrl-C.
	@$(BIN)/cutover demo --keep-ui

rehearse: setup ## The same cutover from the command line, without Airflow; SFTP=1: over the sandbox's SFTP server; QUERY=1: it answers questions.
	@$(BIN)/python -m migration.demo.rehearse $(if $(SFTP),--sftp) $(if $(QUERY),--query)

test: setup ## All tests that need nothing but Python.
	@$(BIN)/python -m pytest -n 2 --dist loadfile
	@$(BIN)/python .ci/left_out.py

check: lint ## Format, lint, types, import contracts, fast tests.
	@$(BIN)/python -m pytest tests/unit/domain -n 2

lint: setup ## The same without tests.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/ruff check --select AIR dags
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Bring the code into shape.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## Resolve requirements.in into the hash-locked requirements.txt.
	@uv pip compile --generate-hashes --no-annotate --no-header --python-version 3.11 --universal requirements.in -o requirements.txt

bench-small: setup ## 20,000 users, 2,000 listings, 100,000 debts: seconds a stage, rows a second, peak memory.
	@$(BIN)/python -m benchmarks.small

SEEDS ?= 10000
FIRST ?= 1
REAL ?= 10
simulate: setup ## Deterministic simulation: SEEDS=10000 schedules, REAL=10 of them on PostgreSQL too; or SEED=7 once more.
	@$(BIN)/python -m tests.simulation.campaign $(if $(SEED),seed $(SEED),seeds $(SEEDS) --first $(FIRST))
	@$(if $(SEED),,$(BIN)/python -m tests.simulation.campaign real $(REAL))

PAIRS ?= 5000
crash-pairs: setup ## Two deaths in one cutover, at PAIRS=5000 sampled pairs of points.
	@$(BIN)/python -m tests.simulation.campaign pairs $(PAIRS)

TAMPERS ?= 10000
tamper: setup ## Tamper with an evidence bundle TAMPERS=10000 times; the stand-alone verifier has to see each.
	@$(BIN)/python -m tests.support.tampering $(TAMPERS)

TIMES ?= 20
POINTS ?= all
STOPS ?= 20
kill-campaign: setup ## SIGKILL of a real process at every named point (or POINTS=60 of them), TIMES=20 at each; PostgreSQL stopped in STOPS=20 cutovers.
	@$(BIN)/python -m tests.simulation.campaign kills $(TIMES) --points $(POINTS)
	@$(BIN)/python -m tests.simulation.campaign stops $(STOPS)

DRILLS ?= all
airflow-chaos: setup ## Drills in a real Airflow, whole cutovers each: DRILLS=all, or DRILLS=scheduler,clear.
	@AIRFLOW_CHAOS=$(DRILLS) $(BIN)/python -m pytest -o addopts="--strict-markers --import-mode=importlib" -q -s -m airflow tests/dags/test_chaos.py

planted: setup ## Every planted defect must be found, by the test that is named for it.
	@$(BIN)/python -m tests.mutation.planting

SHARE ?= 0.3
mutation: setup ## Mutants of the money, journal and gate code: SHARE=0.3 of them, or 1 for all; RESUME=1 tries only what no earlier run killed.
	@nice -n 10 $(BIN)/python -m tests.mutation.campaign --share $(SHARE) $(if $(RESUME),--resume)

LINES ?= 1000000
FILES ?= 10000
fuzz: setup ## LINES=1000000 fuzzed lines and FILES=10000 mutated result files, ours against an independent second parser.
	@$(BIN)/python -m tests.fuzz.campaign $(LINES) $(FILES)

race: setup ## 500 clients after one balance, 5 rounds; and a naive reservation that must be caught.
	@$(BIN)/python -m tests.unit.withdrawals.racing 500 5

clean: ## Remove what was made: the environment, workspaces, caches.
	@rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
