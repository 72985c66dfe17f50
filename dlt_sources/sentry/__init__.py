"""Sentry → tables: structural metadata of one organization, and nothing else.

Knows nothing of Airflow, the connection registry or dbt. `allowlist` says what is read, `tables`
what is stored, `client` is the only module that speaks HTTP, `source` is the dlt source and
`pipeline` runs it.
"""
