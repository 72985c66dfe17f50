"""Which tables a task reads and writes, as OpenLineage, if Airflow's provider for it is set up.

Each connection has a namespace of its own, named by its opaque id; the names of tables are ours.
What goes wrong here fails no task.
"""

import logging
from collections.abc import Iterable
from importlib.util import find_spec

from include.settings import PROJECT_ROOT

log = logging.getLogger(__name__)

MARTS = PROJECT_ROOT / "dbt_project" / "models" / "marts"


def loaded(connection_id: str) -> None:
    """Tell that a load has written the raw tables."""
    if _is_wanted():
        _emit(connection_id, (), _raw())


def built(connection_id: str) -> None:
    """Tell that a build has made the marts from the raw tables."""
    if _is_wanted():
        marts = (model.stem for model in MARTS.glob("*.sql"))
        _emit(connection_id, _raw(), _named("marts", marts))


def published(connection_id: str, marts: Iterable[str]) -> None:
    """Tell that marts were published."""
    if _is_wanted():
        names = list(marts)
        _emit(connection_id, _named("marts", names), _named("published", names))


def _is_wanted() -> bool:
    """Tell whether events go anywhere; what sends them takes a second to import."""
    if find_spec("airflow.providers.openlineage") is None:
        return False
    from airflow.providers.openlineage.conf import is_disabled  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowConfigException  # noqa: PLC0415

    try:
        return not is_disabled()
    except (AirflowConfigException, ValueError):
        log.warning("AIRFLOW__OPENLINEAGE__TRANSPORT is no JSON object: no lineage is sent")
        return False


def _raw() -> list[str]:
    from dlt_sources.sentry.tables import TABLES  # noqa: PLC0415 - slow

    return _named("raw", TABLES)


def _named(schema: str, tables: Iterable[str]) -> list[str]:
    return [f"{schema}.{table}" for table in sorted(tables)]


def _emit(connection_id: str, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Attach datasets to the task that runs; the provider logs what goes wrong, and no more."""
    from airflow.providers.openlineage.api import emit_dataset_lineage  # noqa: PLC0415
    from openlineage.client.event_v2 import InputDataset, OutputDataset  # noqa: PLC0415

    namespace = f"corvana://{connection_id}"
    emit_dataset_lineage(
        inputs=[InputDataset(namespace, name) for name in inputs],
        outputs=[OutputDataset(namespace, name) for name in outputs],
    )
