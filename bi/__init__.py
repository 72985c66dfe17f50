"""Dashboards as code, for the BI tools that analysts use."""
