"""Deletes everything collected of a connection, proves it, and looks again later."""
