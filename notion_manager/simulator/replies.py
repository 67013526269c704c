"""Whole HTTP replies: the JSON envelope of an error, the pages of the edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from .shapes import Json, new_id


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Json | str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Refused(Exception):
    """The call ends here with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def envelope(rng: Random, status: int, name: str, debug: str = "", message: str = "") -> Reply:
    body: Json = {"isNotionError": True, "errorId": new_id(rng), "name": name}
    if debug:
        body["debugMessage"] = debug
    body["message"] = message or f"Something went wrong. ({status})"
    return Reply(status, body)


def unauthorized(rng: Random) -> Reply:
    reply = envelope(rng, 401, "UnauthorizedError", "Token was invalid or expired.")
    return Reply(401, {**_json(reply), "clientData": {"type": "login_try_again"}})


def unauthenticated(rng: Random) -> Reply:
    """The variant for a missing cookie or a foreign origin."""
    reply = envelope(rng, 401, "UnauthorizedError", message="Must be authenticated.")
    return Reply(401, {**_json(reply), "clientData": {"type": "login_try_again"}})


def invalid(rng: Random, debug: str = "Invalid input.") -> Reply:
    return envelope(rng, 400, "ValidationError", debug)


def forbidden(rng: Random, debug: str = "User does not have access to this space.") -> Reply:
    return envelope(rng, 403, "ForbiddenError", debug)


def cross_cell(rng: Random) -> Reply:
    return envelope(rng, 502, "MemcachedCrossCellError", "Cross-cell access not allowed.")


def not_found(endpoint: str) -> Reply:
    return page(404, "Error", f"<pre>Cannot POST /api/v3/{endpoint}</pre>")


def challenge(status: int) -> Reply:
    text = "<h1>Just a moment…</h1><p>Checking your browser before you go on.</p>"
    return page(status, "Just a moment…", text, {"cf-mitigated": "challenge"})


def page(status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    html = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"</head>\n<body>\n{text}\n</body>\n</html>\n"
    )
    return Reply(status, html, {"content-type": "text/html; charset=utf-8", **(headers or {})})


def _json(reply: Reply) -> Json:
    return reply.body if isinstance(reply.body, dict) else {}
