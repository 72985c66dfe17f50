"""Where a connection's data lives, and how its marts reach readers."""
