#!/bin/sh
# Makes the secrets that docker-compose.yaml wants, each a file in ./secrets; keeps those that are there.
#
#   deploy/secrets.sh              then add `sentry_oauth_app` to secrets/airflow_connections.json
#   deploy/secrets.sh --sandbox    with the OAuth application of the sandbox, to try things
set -eu

folder="${SECRETS:-secrets}"
umask 077
mkdir -p "$folder"

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }
password() { random 24; }
of() { cat "$folder/$1"; }

# Writes standard input to a secret, unless there is one already.
keep() {
    if [ -e "$folder/$1" ]; then cat >/dev/null; else
        cat >"$folder/$1.new"
        # Containers run as users of their own, and Compose mounts the file as it is: it has to be
        # readable for them. Nobody else gets into the folder.
        chmod 444 "$folder/$1.new"
        mv "$folder/$1.new" "$folder/$1"
        echo "made $folder/$1"
    fi
}

password | keep postgres_password
for name in airflow lake registry; do password | keep "postgres_${name}_password"; done
password | keep redis_password
printf 'postgresql+psycopg://airflow:%s@postgres:5432/airflow' "$(of postgres_airflow_password)" | keep airflow_database_url
printf 'redis://:%s@redis:6379/0' "$(of redis_password)" | keep airflow_broker_url
# A Fernet key is 32 bytes in this form of base64.
random 32 | keep airflow_fernet_key
random 48 | keep airflow_api_secret_key
random 48 | keep airflow_jwt_secret

printf 'postgresql+psycopg://registry:%s@postgres:5432/registry' "$(of postgres_registry_password)" | keep corvana_registry_url
random 32 | keep corvana_encryption_keys
printf 'postgresql://lake:%s@postgres:5432/lake' "$(of postgres_lake_password)" | keep corvana_lake_catalog_url
printf 'corvana%s' "$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')" | keep corvana_lake_s3_access_key_id
password | keep corvana_lake_s3_secret_access_key

service="$(password)"
printf '{"admin": "%s", "corvana": "%s"}\n' "$(password)" "$service" | keep airflow_passwords.json
service="$(sed -n 's/.*"corvana": "\([^"]*\)".*/\1/p' "$folder/airflow_passwords.json")"
application=''
if [ "${1:-}" = --sandbox ]; then
    application=', "sentry_oauth_app": {"conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": 9000, "login": "sandbox-client", "password": "sandbox-client-secret"}'
fi
printf '{"airflow_api": {"conn_type": "http", "host": "http://api-server:8080", "login": "corvana", "password": "%s"}%s}\n' \
    "$service" "$application" | keep airflow_connections.json

chmod 700 "$folder"
echo "Sign in to Airflow as admin; the password is in $folder/airflow_passwords.json."
