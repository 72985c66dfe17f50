"""Where the tests' Airflow lives: set before anything can import Airflow."""

import os
from pathlib import Path
from tempfile import mkdtemp

HOME = Path(mkdtemp(prefix="corvana-tests-"))
ROOT = Path(__file__).resolve().parents[1]

os.environ |= {
    "AIRFLOW_HOME": str(HOME / "airflow"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow' / 'airflow.db'}",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "CORVANA_DATA_DIR": str(HOME / "data"),
    "CORVANA_SENTRY_MAX_REQUESTS_PER_SECOND": "5000",
    "CORVANA_SENTRY_CONCURRENCY": "4",
}
