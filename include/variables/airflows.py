"""The variables of Airflow's that the application depends on; Airflow's documentation has all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AirflowVariable:
    """A variable of Airflow's.

    Attributes:
        name: As in the environment. For most, `<name>_CMD` and `<name>_SECRET` work as well.
        default: What holds without it.
        needed: When it has to be set.
        meaning: What it is to us.
        example: A value.
    """

    name: str
    default: str
    needed: str
    meaning: str
    example: str


AIRFLOW_VARIABLES = (
    AirflowVariable(
        "AIRFLOW_CONN_SENTRY_OAUTH_APP",
        "none",
        "always, unless the Connection is in another secrets backend",
        "The OAuth application: Sentry server, client id and client secret. Another name: "
        "`CORVANA_OAUTH_APP_CONN_ID`.",
        '{"conn_type": "http", "schema": "https", "host": "sentry.io", "login": "…", '
        '"password": "…"}',
    ),
    AirflowVariable(
        "AIRFLOW_CONN_AIRFLOW_API",
        "none",
        "always, unless the Connection is in another secrets backend",
        "Airflow's own API, and a user who may delete DAGs and change runs: a purge deletes "
        "Airflow's records through it. Another name: `CORVANA_AIRFLOW_API_CONN_ID`.",
        '{"conn_type": "http", "schema": "http", "host": "airflow-apiserver", "port": 8080, '
        '"login": "…", "password": "…"}',
    ),
    AirflowVariable(
        "AIRFLOW_CONN_SMTP_DEFAULT",
        "none",
        "for `CORVANA_NOTIFY=smtp:…`",
        "The mail server, and the sender as `from_email`.",
        '{"conn_type": "smtp", "host": "mail.example.com", "port": 587, "login": "…", '
        '"password": "…", "extra": {"from_email": "corvana@example.com", "disable_ssl": true}}',
    ),
    AirflowVariable(
        "AIRFLOW__API__BASE_URL",
        "none",
        "always",
        "Airflow's address as people's browsers reach it: where Sentry sends them back to, and "
        "what notifications link to.",
        "https://airflow.example.com",
    ),
    AirflowVariable(
        "AIRFLOW__API__SECRET_KEY",
        "a random one in airflow.cfg",
        "with more than one API server",
        "Signs what the page Integrations gives browsers to keep.",
        "a long random text",
    ),
    AirflowVariable(
        "AIRFLOW__CORE__FERNET_KEY",
        "a random one in airflow.cfg",
        "always, where Airflow's database holds Connections",
        "Encrypts Connections in Airflow's database, the OAuth application's secret among them. "
        "An empty one stores them in clear.",
        "a key that `corvana keys new` printed",
    ),
    AirflowVariable(
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL",
        "`300`",
        "to see new connections sooner",
        "Seconds until files are looked for. The DAG of a new connection appears within this and "
        "`AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL` (`30`).",
        "10",
    ),
    AirflowVariable(
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
        "`logs` in `AIRFLOW_HOME`",
        "with more than one machine: a folder that they share",
        "Where a purge deletes a connection's task logs.",
        "/opt/airflow/logs",
    ),
    AirflowVariable(
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS",
        "`True`",
        "never",
        "With `False`, Airflow's list of import errors shows our sentence alone, e.g. about a "
        "wrong setting; the DAG processor's log has the traceback anyway.",
        "False",
    ),
    AirflowVariable(
        "AIRFLOW__METRICS__STATSD_ON",
        "`False`",
        "for metrics by StatsD",
        "With `AIRFLOW__METRICS__STATSD_HOST`, `…_PORT` and `…_PREFIX`; and "
        "`…_STATSD_INFLUXDB_ENABLED` for tags. OpenTelemetry: `AIRFLOW__METRICS__OTEL_ON`.",
        "True",
    ),
    AirflowVariable(
        "AIRFLOW__OPENLINEAGE__TRANSPORT",
        "none",
        "for lineage (the extra `cluster`)",
        "Where tasks send which tables they read and write.",
        '{"type": "http", "url": "https://lineage.example.com"}',
    ),
    AirflowVariable(
        "AIRFLOW__OPENLINEAGE__DISABLE_SOURCE_CODE",
        "`False`",
        "never",
        "Our tasks send no source code either way; with `True`, no other DAG's do.",
        "True",
    ),
)
"""In the order of the page."""
