#!/bin/bash
# Makes a role and a database of its own for each of three: Airflow, the registry of connections, the
# catalogs of the lakes. Run once by Postgres' image, when the data folder is new.
set -euo pipefail

for name in airflow registry lake; do
    # psql reads the password itself: on a command line everybody could see it.
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=name="$name" \
        --set=file="${SECRETS_DIR:-/run/secrets}/postgres_${name}_password" \
        --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set password `cat :'file'`
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
done
