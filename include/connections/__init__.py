"""The connections: which Sentry organizations are connected, and their secrets."""
