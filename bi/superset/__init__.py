"""The dashboard "Development quality" for Apache Superset: its assets, and how to pack them."""
