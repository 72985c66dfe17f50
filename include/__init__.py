"""The application around the pipeline: everything that is not a Sentry table."""
