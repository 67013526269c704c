"""Problems in Anthropic's error shape (API reference, "Errors")."""

from collections.abc import Mapping
from typing import Any

from ...errors import Problem, ThreadNotFound, ThreadUnsupported
from ...wire import dumps

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_DETAILS: Mapping[type[Problem], Mapping[str, Any]] = {
    # told this, the SDKs send the same turn again whole
    ThreadUnsupported: {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
    ThreadNotFound: {"error_code": "thread_not_found"},
}


def error_body(problem: Problem, request_id: str) -> bytes:
    error: dict[str, Any] = {"type": _type(problem.status), "message": str(problem)}
    if details := _DETAILS.get(type(problem)):
        error["details"] = details
    return dumps({"type": "error", "error": error, "request_id": request_id})


def _type(status: int) -> str:
    """The reference gives the other 4xx to invalid_request_error."""
    return _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004
