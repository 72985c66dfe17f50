# syntax=docker/dockerfile:1
# One image for all of Airflow's components and the sandbox; what each runs is in docker-compose.yaml.

FROM python:3.12-slim-bookworm AS installed

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/corvana
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# Exactly what was tested, by hash; nothing is resolved, and nothing is compiled. All packages have
# wheels. The lock has the tools of development, too: one lock is the same everywhere.
COPY requirements.lock ./
RUN pip install --no-deps --require-hashes --no-compile --requirement requirements.lock

COPY pyproject.toml README.md ./
COPY dlt_sources dlt_sources
COPY include include
RUN pip install --no-deps --no-build-isolation --no-index --no-compile --editable .

# The root file system is read-only, so bytecode has to be there: without it, every task would
# compile Airflow for half a minute.
RUN python -m compileall -q -j 0 /opt/venv/lib dlt_sources include || true


FROM python:3.12-slim-bookworm

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/opt/corvana \
    AIRFLOW_HOME=/opt/airflow

# A new volume belongs to whom its folder belongs here.
RUN groupadd --gid 50000 corvana \
    && useradd --uid 50000 --gid 50000 --home-dir /opt/airflow --shell /usr/sbin/nologin corvana \
    && install --directory --owner=corvana --group=corvana --mode=0700 \
        /opt/airflow /var/lib/corvana /var/lib/sandbox /var/log/airflow /srv/objects

COPY --from=installed /opt/venv /opt/venv
COPY --from=installed /opt/corvana /opt/corvana
WORKDIR /opt/corvana
COPY dags dags
COPY dbt_project dbt_project
COPY deploy deploy

USER 50000:50000
ENTRYPOINT ["/opt/corvana/deploy/entrypoint.sh"]
CMD ["airflow", "version"]
