"""Every way in which Notion says no, as Problems: by status, and within a stream.

Messages repeat the service's own words, on one line, short, and with whatever may be a credential
masked.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from ...errors import (
    AccountRefused,
    AiDisabled,
    Denied,
    EdgeChallenged,
    FeatureRefused,
    ModelUnavailable,
    Problem,
    QuotaExhausted,
    RateLimited,
    TemporarilyUnavailable,
    Unexplained,
    UpstreamBroken,
    UpstreamRejected,
    WorkspaceRefused,
)
from .loose import count_of, object_of, text_of

LONGEST = 200  # characters of the service's own words
LONGEST_WAIT = 3600  # seconds of Retry-After that are believed
_READ = 4000  # characters that are looked at

FAILURES = frozenset({"error", "premium-feature-unavailable"})
REASONS: Mapping[str, type[Problem]] = {
    "trust-rule-denied": Denied,
    "temporarily-unavailable": TemporarilyUnavailable,
    "quota-exhausted": QuotaExhausted,
    "premium-feature-unavailable": FeatureRefused,
}
STATUSES: Mapping[int, type[Problem]] = {
    401: AccountRefused,
    403: WorkspaceRefused,
    408: UpstreamBroken,
}
REDIRECTS, REFUSALS = range(300, 400), range(400, 500)
_CHALLENGES = (200, 403, 503)
_GONE = re.compile(r"Cannot POST (/[\w/.-]{1,100})")
_SECRET = re.compile(
    r"(?i)token_v2\s*=\s*\S+|v0[23](?:%3a|:)\S*|[a-z0-9+/_=%]{32,}|[a-z0-9+/_=%.~-]{40,}"
)
_NO_MODEL = re.compile(
    r"(?i)\bmodel\b.{0,80}\b(?:unavailable|unsupported|disabled|unknown"
    r"|not (?:available|found|supported|allowed|enabled|exist|recognized))\b"
    r"|\b(?:unavailable|unsupported|disabled|unknown)\b.{0,20}\bmodel\b"
)


def from_http(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """Why a request was refused; `body` may be cut. Never called for a 200 that streams."""
    sent = {name.lower(): value for name, value in headers.items()}
    text = body.decode(errors="replace")
    if "ainotenabled" in text.lower():
        return AiDisabled("Notion AI is turned off in this workspace")
    if status in REDIRECTS:
        return UpstreamRejected(f"Notion answered {status}: redirects are not followed")
    if _is_page(sent, text):
        return _from_page(status, sent, text)
    if status == HTTPStatus.BAD_REQUEST and not body.strip():
        return Unexplained("Notion answered 400 without a word, as it does to some dead tokens")
    return _from_status(status, sent, _told(status, _envelope(body)))


def from_step(step: Mapping[str, Any]) -> Problem:
    """What an `error` or `premium-feature-unavailable` line or step stands for."""
    if text_of(step.get("type")) == "premium-feature-unavailable":
        return _from_wall(step)
    words = text_of(step.get("message"))
    reason = text_of(step.get("subType")) or text_of(step.get("errorCode"))
    told = f"Notion failed: {scrub(words) or 'it does not say why'}"
    if "ainotenabled" in words.lower():
        return AiDisabled("Notion AI is turned off in this workspace")
    if kind := REASONS.get(reason):
        return kind(f"{told} ({reason})")
    if _NO_MODEL.search(words[:_READ]):
        return ModelUnavailable(told)
    return UpstreamBroken(told)


def from_page() -> Problem:
    """A page of HTML stands where an answer should."""
    return EdgeChallenged("Notion's network edge answered with a web page: it wants a browser")


def scrub(text: str) -> str:
    """Safe to show: one short line in which whatever may be a credential is masked."""
    line = "".join(c if c.isprintable() else " " for c in text[:_READ])
    line = " ".join(_SECRET.sub("***", line).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _from_wall(step: Mapping[str, Any]) -> Problem:
    limit = object_of(object_of(step.get("featureAvailability")).get("limit"))
    current, total = count_of(limit.get("current")), count_of(limit.get("total"))
    figures = f": {current} used of {total}" if current is not None and total is not None else ""
    return FeatureRefused(f"the Notion AI allowance does not cover this{figures}")


def _is_page(headers: Mapping[str, str], text: str) -> bool:
    html = "text/html" in headers.get("content-type", "").lower()
    return html or "cf-mitigated" in headers or text.lstrip().startswith("<")


def _from_page(status: int, headers: Mapping[str, str], text: str) -> Problem:
    if status in _CHALLENGES or "cf-mitigated" in headers:
        return from_page()
    if gone := _GONE.search(text[:_READ]):
        return UpstreamRejected(f"Notion has no {gone[1]} any more: this program needs an update")
    return _from_status(status, headers, f"Notion answered {status} with a web page")


def _from_status(status: int, headers: Mapping[str, str], told: str) -> Problem:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(told, retry_after=_retry_after(headers.get("retry-after", "")))
    otherwise = UpstreamRejected if status in REFUSALS else UpstreamBroken
    return STATUSES.get(status, otherwise)(told)


def _envelope(body: bytes) -> Mapping[str, Any]:
    try:
        return object_of(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {}


def _told(status: int, envelope: Mapping[str, Any]) -> str:
    """Such as `Notion answered 401 UnauthorizedError: Token was invalid or expired`."""
    name = scrub(text_of(envelope.get("name")))
    words = text_of(envelope.get("debugMessage")) or text_of(envelope.get("message"))
    return f"Notion answered {status} {name}".rstrip() + (f": {scrub(words)}" if words else "")


def _retry_after(value: str) -> float | None:
    """Seconds; a date would need a clock."""
    value = value.strip()
    if not (value.isascii() and value.isdigit()):
        return None
    return float(min(int(value[:9]), LONGEST_WAIT))
