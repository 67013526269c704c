"""The error body that OpenAI's protocols share. It knows neither of them."""

from typing import Any

from ..errors import BadRequest, Problem

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def error_body(problem: Problem) -> dict[str, Any]:
    """`{"error": {"message", "type", "param", "code"}}`, as OpenAI's API reference has it.

    `type` says who is at fault, `code` what happened; an exhausted allowance carries its own name
    in both, by which clients tell it from a limit that passes.
    """
    field = problem.field if isinstance(problem, BadRequest) else ""
    return {
        "error": {
            "message": str(problem),
            "type": _type(problem),
            "param": field or None,
            "code": problem.code,
        }
    }


def _type(problem: Problem) -> str:
    if problem.code == "insufficient_quota":
        return problem.code
    fallback = "server_error" if problem.status >= 500 else "invalid_request_error"  # noqa: PLR2004 - where HTTP draws the line
    return _TYPES.get(problem.status, fallback)
