"""Refusals of the API, with the wording of Sentry where it is known."""

from __future__ import annotations


class ApiError(Exception):
    """A response other than 200; the body is `{"detail": …}`.

    Args:
        status: HTTP status.
        detail: Sentry's sentence.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def bad_request(detail: str) -> ApiError:
    """Return a 400 with its sentence."""
    return ApiError(400, detail)


def forbidden() -> ApiError:
    """Return Sentry's 403: a missing scope, or a project out of reach."""
    return ApiError(403, "You do not have permission to perform this action.")


def not_found() -> ApiError:
    """Return Sentry's 404."""
    return ApiError(404, "The requested resource does not exist")
