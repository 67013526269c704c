"""How a failure reads inside a stream. Codex decides by the code whether to try again."""

from math import ceil
from typing import Any

from ...errors import Problem

_LIMITED = "rate_limit_exceeded"
_FINAL = ("context_length_exceeded", "insufficient_quota")


def error(problem: Problem) -> dict[str, Any]:
    """`{"code", "message"}` of a failed response.

    A rate limit's message ends with "try again in Ns", which is where Codex reads how long to wait.
    `server_is_overloaded` is never said: Codex gives up at it.
    """
    code = _code(problem)
    message = str(problem)
    if code == _LIMITED and problem.retry_after is not None:
        message = f"{message.rstrip('.')}; try again in {max(1, ceil(problem.retry_after))}s"
    return {"code": code, "message": message}


def _code(problem: Problem) -> str:
    if problem.code == _LIMITED or problem.code in _FINAL:
        return problem.code
    blames_request = problem.status < 500 and not problem.heals  # noqa: PLR2004 - where HTTP draws the line
    return "invalid_prompt" if blames_request else "server_error"
