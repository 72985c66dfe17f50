"""The page Integrations in Airflow: connecting Sentry organizations, and how they are doing."""
