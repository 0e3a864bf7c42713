"""docker-compose.yml: valid against the compose specification's schema, and in the official shape of an Airflow with
Celery workers. Docker itself is not needed; starting the containers is not tested here."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
import yaml

from tests.dags.conftest import ROOT

SCHEMA = json.loads((ROOT / "tests/dags/schema/compose-spec.json").read_text())
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
AIRFLOW = ("airflow-init", "airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-worker")


def test_it_is_valid_against_the_compose_specification():
    jsonschema.validate(COMPOSE, SCHEMA)


@pytest.mark.parametrize(
    ("service", "key", "wrong"),
    [
        ("redis", "healthcheck", {"test": 5}),
        ("postgres", "imge", "x"),
        ("airflow-worker", "depends_on", {"redis": {"condition": "up"}}),
    ],
)
def test_the_schema_does_see_what_is_wrong(service, key, wrong):
    broken = json.loads(json.dumps(COMPOSE))
    broken["services"][service][key] = wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_the_services_are_those_of_an_airflow_with_celery():
    assert set(SERVICES) == {"postgres", "redis", *AIRFLOW, "sandbox-bank"}
    assert COMPOSE["x-airflow"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    commands = {name: SERVICES[name]["command"] for name in AIRFLOW[1:]}
    assert list(commands.values()) == ["api-server", "scheduler", "dag-processor", "celery worker"]
    assert SERVICES["sandbox-bank"]["profiles"] == ["rehearsal"]
    assert all("profiles" not in service for name, service in SERVICES.items() if name != "sandbox-bank")


def test_what_stays_up_has_a_health_check_and_runs_without_root():
    for name, service in SERVICES.items():
        assert str(service["user"]).partition(":")[0] not in {"", "0", "root"}, name
        assert name == "airflow-init" or service["healthcheck"]["test"], name


def test_airflow_starts_after_its_init_which_starts_after_the_stores():
    for name in AIRFLOW[1:]:
        needs = SERVICES[name]["depends_on"]
        assert needs["airflow-init"]["condition"] == "service_completed_successfully", name
        assert needs["postgres"]["condition"] == needs["redis"]["condition"] == "service_healthy"
    assert SERVICES["airflow-worker"]["depends_on"]["airflow-apiserver"]["condition"] == "service_healthy"


def test_no_secret_has_a_value_or_a_default_in_the_file():
    wanted = dict(re.findall(r"\$\{([A-Z_]+)(:[^}]*)?\}", TEXT))
    secret = {name for name in wanted if re.search(r"PASSWORD|SECRET|KEY", name)}
    assert len(secret) >= 8
    for name in secret:
        for default in re.findall(rf"\$\{{{name}(:[^}}]*)?\}}", TEXT):
            assert not default.startswith(":-"), name
    filled = [
        line
        for line in (ROOT / "deploy/env.example").read_text().splitlines()
        if re.match(r"\w*(PASSWORD|SECRET|KEY)\w*=.", line)
    ]
    assert filled == []


def test_every_variable_is_explained_in_the_example():
    wanted = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", TEXT)) - {"CUTOVER_IMAGE"}
    given = {
        line.partition("=")[0]
        for line in (ROOT / "deploy/env.example").read_text().splitlines()
        if "=" in line and line[0] != "#"
    }
    assert wanted == given


def test_journal_and_metadata_are_separate_databases_in_separate_roles():
    env = COMPOSE["x-airflow"]["environment"]
    assert "://airflow:" in env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@postgres/airflow")
    assert "://cutover:" in env["CUTOVER__STORE__URL"]
    assert env["CUTOVER__STORE__URL"].endswith("@postgres/cutover")


def test_the_sandbox_bank_sees_no_secret_and_shares_only_the_exchange():
    bank = SERVICES["sandbox-bank"]
    assert set(bank["environment"]) == {"PYTHONUNBUFFERED"}
    assert [volume.partition(":")[0] for volume in bank["volumes"]] == ["exchange", "bank-ledger"]
