"""The failures that are whole HTTP replies, by name."""

from random import Random

from . import replies
from .replies import Reply
from .scenarios import HTTP, Scenario

ELSEWHERE = "http://elsewhere.invalid/"
DISABLED = "aiNotEnabled (AiNotEnabledOnSpaceGetCompletionError)"
NAMED: dict[str, tuple[int, str, str]] = {
    "400": (400, "ValidationError", "Invalid input."),
    "403": (403, "ForbiddenError", "User does not have access to this space."),
    "403-ai": (403, "ForbiddenError", DISABLED),
    "500": (500, "UnknownApiError", ""),
    "500-ai": (500, "UnknownApiError", DISABLED),
    "502-cell": (502, "MemcachedCrossCellError", "Cross-cell access not allowed."),
}


def http_fault(scenario: Scenario, rng: Random) -> Reply | None:
    """The reply that the scenario asks for instead of an answer."""
    name = scenario.first(HTTP)
    return None if name is None else _reply(name, scenario.get(name), rng)


def _reply(name: str, value: str, rng: Random) -> Reply:  # noqa: PLR0911 - a table with arguments
    match name:
        case "401" | "dies":
            return replies.unauthorized(rng)
        case "401-origin":
            return replies.unauthenticated(rng)
        case "429":
            headers = {"retry-after": value} if value else {}
            text = "Rate limited. Please try again later."
            reply = replies.envelope(rng, 429, "UserRateLimitResponse", message=text)
            return Reply(429, reply.body, headers)
        case "challenge":
            return replies.challenge(503 if value == "503" else 403)
        case "redirect":
            return Reply(302, headers={"location": value or ELSEWHERE})
        case "502":
            return replies.page(502, "502 Bad Gateway", "<h1>502 Bad Gateway</h1>")
        case "html":
            return replies.page(200, "Notion", '<div id="notion-app"></div>')
        case "404":
            return replies.not_found("runInferenceTranscript")
        case _:
            return _enveloped(name, rng)


def _enveloped(name: str, rng: Random) -> Reply:
    if name in NAMED:
        return replies.envelope(rng, *NAMED[name])
    return Reply({"400-empty": 400, "503": 503, "empty": 200}[name])
