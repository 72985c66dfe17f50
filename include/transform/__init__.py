"""Runs the dbt project for one connection."""
