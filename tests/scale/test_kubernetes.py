"""The values for Kubernetes say the same as docker-compose.yaml, but for what is named here."""

import yaml

from include.settings import PROJECT_ROOT
from tests.scale.compose import read

OF_CELERY = {
    "AIRFLOW__CELERY__BROKER_URL_CMD",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT",
}
"""There is no Celery."""

ONLY_IN_COMPOSE = {"CORVANA_LAKE_S3_ENDPOINT", "SANDBOX"}
"""The store is a cloud's own, and there is no sandbox."""

DIFFERENT = {
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__CORE__PARALLELISM",
    "CORVANA_LAKE_S3_REGION",
    "CORVANA_LAKE_S3_USE_SSL",
}

VALUES = yaml.safe_load((PROJECT_ROOT / "deploy/kubernetes/values.yaml").read_text())
ENVIRONMENT = {one["name"]: one["value"] for one in VALUES["env"]}
COMPOSE = read({})["services"]["worker"]["environment"]


def test_the_environment_is_that_of_compose() -> None:
    assert ENVIRONMENT.keys() == COMPOSE.keys() - OF_CELERY - ONLY_IN_COMPOSE
    differing = {name for name, value in ENVIRONMENT.items() if value != COMPOSE[name]}
    assert differing == DIFFERENT


def test_a_variable_has_a_text() -> None:
    assert all(isinstance(value, str) for value in ENVIRONMENT.values())


def test_no_variable_holds_a_secret() -> None:
    assert not any(VALUES["enableBuiltInSecretEnvVars"].values())
    assert "secret" not in VALUES


def test_a_volume_that_is_mounted_is_there() -> None:
    volumes = {one["name"] for one in VALUES["volumes"]}
    assert {one["name"] for one in VALUES["volumeMounts"]} == volumes


def test_pods_can_do_no_more_than_they_need() -> None:
    contexts = VALUES["securityContexts"]
    assert contexts["pod"]["runAsNonRoot"] is True
    assert contexts["containers"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for component in ("apiServer", "scheduler", "dagProcessor", "triggerer", "workers"):
        assert set(VALUES[component]["resources"]) == {"requests", "limits"}
