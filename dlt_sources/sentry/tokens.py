"""The access token of a client, which one of several threads renews for all of them."""

import re
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

_TOKEN = re.compile(r"[!-~]+")


class AccessToken:
    """The current access token. Safe to use from several threads; never shows its value.

    Args:
        value: The first access token.
        refresh: Returns a new token for the one that was rejected, durably stored. Sentry's
            rotation has no grace: two renewals at once lose the connection
            (`models/apitoken.py::refresh`).

    Raises:
        ValueError: `value` is no token.
    """

    def __init__(self, value: str, refresh: Callable[[str], str] | None = None) -> None:
        self._value = _checked(value)
        self._refresh = refresh
        self._lock = Lock()
        self._renewal: Future[str] | None = None

    @property
    def value(self) -> str:
        """The token to send."""
        return self._value

    def renew(self, rejected: str) -> bool:
        """See to it that there is another token than the rejected one; False if none can be had.

        Of threads that come with the same rejected token one renews it, and the others wait for
        what comes of that, failures included.

        Raises:
            ValueError: What came is no token.
            Exception: Whatever `refresh` raises.
        """
        with self._lock:
            if self._value != rejected:
                return True
            if self._refresh is None:
                return False
            renewal, is_ours = self._renewal or Future[str](), self._renewal is None
            self._renewal = renewal
        if is_ours:
            self._run(renewal, self._refresh, rejected)
        return renewal.result() != rejected

    def _run(self, renewal: Future[str], refresh: Callable[[str], str], rejected: str) -> None:
        try:
            value = _checked(refresh(rejected))
        except BaseException as failure:  # noqa: BLE001 - raised anew in every waiting thread
            with self._lock:
                self._renewal = None
            renewal.set_exception(failure)
        else:
            with self._lock:
                self._value, self._renewal = value, None
            renewal.set_result(value)


def _checked(value: str) -> str:
    """Return a value that can stand in a header; an error of the HTTP library would show it."""
    if not _TOKEN.fullmatch(value):
        raise ValueError("The access token is empty or holds characters that no token has.")
    return value
