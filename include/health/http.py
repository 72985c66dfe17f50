"""Whether a server answers at all: no token, no proxy of the environment, no body read."""

import logging
import time

import httpx

TIMEOUT_S = 3.0
"""For connecting, and again for the answer."""


def latency(address: str) -> float | None:
    """Return how long a server takes to answer, in seconds; None if it does not, or not well."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log each request
    began = time.monotonic()
    try:
        with httpx.stream(
            "GET",
            address,
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=httpx.create_ssl_context(),
        ) as answer:
            return None if answer.is_server_error else time.monotonic() - began
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
