"""Refusals of the API, with the wording of Sentry where it is known."""

from __future__ import annotations

QUERY_TIMEOUT = (
    "Query timeout. Please try again. If the problem persists try a smaller date range or fewer "
    "projects. Also consider a filter on the transaction field if you're filtering performance "
    "data."
)
"""Sentry's TIMEOUT_ERROR_MESSAGE (api/utils.py)."""


class ApiError(Exception):
    """A response other than 200; the body is `{"detail": …}`.

    Args:
        status: HTTP status.
        detail: Sentry's sentence; an object where its api/exceptions.py gives one.
    """

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail


def bad_request(detail: str) -> ApiError:
    """Return a 400 with its sentence."""
    return ApiError(400, detail)


def unauthorized(detail: object) -> ApiError:
    """Return a 401."""
    return ApiError(401, detail)


def forbidden() -> ApiError:
    """Return Sentry's 403: a missing scope, or a project out of reach."""
    return ApiError(403, "You do not have permission to perform this action.")


def not_found() -> ApiError:
    """Return Sentry's 404."""
    return ApiError(404, "The requested resource does not exist")
