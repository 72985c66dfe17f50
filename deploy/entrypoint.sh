#!/bin/sh
# What every container of ours begins with: checks the secrets, then becomes the command.
set -eu

secrets="${SECRETS_DIR:-/run/secrets}"

for name in airflow_api_secret_key airflow_broker_url airflow_connections.json airflow_database_url \
    airflow_fernet_key airflow_jwt_secret airflow_passwords.json corvana_encryption_keys \
    corvana_registry_url; do
    if [ ! -r "$secrets/$name" ] || [ ! -s "$secrets/$name" ]; then
        echo "The secret $name is missing, empty or not readable in $secrets." \
            "Make the secrets with deploy/secrets.sh; docs/deployment.md says what each is." >&2
        exit 78
    fi
done

# The simple auth manager opens its file for writing, and a secret is read-only.
if [ -n "${AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE:-}" ]; then
    install -m 600 "$secrets/airflow_passwords.json" \
        "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
fi

# The sandbox is 127.0.0.1:9000 for everybody: plain http is for one's own machine only.
if [ -n "${SANDBOX:-}" ]; then
    exec python "$(dirname "$0")/relay.py" 127.0.0.1:9000 "$SANDBOX" -- "$@"
fi
exec "$@"
