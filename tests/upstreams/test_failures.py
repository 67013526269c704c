"""Every way in which Notion says no, and what each means here."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import (
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
from notion_manager.upstreams.notion_web.failures import from_http, from_page, from_step, scrub

TOKEN = "v03%3AeyJhbGciOiJkaXIiLCJraWQiOiJwcm9kIn0.canary_-x.y"
HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
PAGE = b"<!DOCTYPE html><title>Just a moment...</title>"


def envelope(name: str, **more: Any) -> bytes:
    return json.dumps({"isNotionError": True, "errorId": "ab00", "name": name, **more}).encode()


UNAUTHORIZED = envelope("UnauthorizedError", debugMessage="Token was invalid or expired.")
INVALID = envelope("ValidationError", debugMessage="Invalid input.", message="Wrong. (400)")
CHALLENGE = str(from_page()).removeprefix("Notion answered ")
OFF = "Notion AI is turned off in this workspace"
UPDATE = "Notion has no /api/v3/runInferenceTranscript any more: this program needs an update"
DEAD = "400 without a word, as it does to some dead tokens"
EXPIRED = "401 UnauthorizedError: Token was invalid or expired."
NO_AI = b"aiNotEnabled (AiNotEnabledOnSpaceGetCompletionError)"
GONE = b"<pre>Cannot POST /api/v3/runInferenceTranscript</pre>"


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "told"),
    [
        (401, JSON, UNAUTHORIZED, AccountRefused, EXPIRED),
        (401, {}, b"", AccountRefused, "401"),
        (400, JSON, INVALID, UpstreamRejected, "400 ValidationError: Invalid input."),
        (400, {}, b"\n", Unexplained, DEAD),
        (400, {}, b"[]", UpstreamRejected, "400"),
        (
            403,
            JSON,
            envelope("ForbiddenError", message="No."),
            WorkspaceRefused,
            "403 ForbiddenError: No.",
        ),
        (403, {}, b"Forbidden", WorkspaceRefused, "403"),
        (403, JSON, NO_AI, AiDisabled, OFF),
        (500, HTML, NO_AI, AiDisabled, OFF),
        (403, HTML, PAGE, EdgeChallenged, CHALLENGE),
        (503, {}, PAGE, EdgeChallenged, CHALLENGE),
        (429, {"CF-Mitigated": "challenge"}, b"", EdgeChallenged, CHALLENGE),
        (404, HTML, GONE, UpstreamRejected, UPDATE),
        (404, HTML, PAGE, UpstreamRejected, "404 with a web page"),
        (404, JSON, b"{}", UpstreamRejected, "404"),
        (408, {}, b"", UpstreamBroken, "408"),
        (413, {}, b"", UpstreamRejected, "413"),
        (429, HTML, PAGE, RateLimited, "429 with a web page"),
        (
            302,
            {"Location": "https://elsewhere.test/"},
            b"",
            UpstreamRejected,
            "302: redirects are not followed",
        ),
        (500, JSON, envelope("UnknownApiError"), UpstreamBroken, "500 UnknownApiError"),
        (
            502,
            JSON,
            envelope("MemcachedCrossCellError"),
            UpstreamBroken,
            "502 MemcachedCrossCellError",
        ),
        (502, HTML, PAGE, UpstreamBroken, "502 with a web page"),
        (204, {}, b"", UpstreamBroken, "204"),
    ],
)
def test_each_answer_names_its_problem(
    status: int, headers: dict[str, str], body: bytes, kind: type[Problem], told: str
) -> None:
    problem = from_http(status, headers, body)
    assert (type(problem), str(problem).removeprefix("Notion answered ")) == (kind, told)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 60 ", 60),
        ("999999999999", 3600),
        ("Sun, 22 Nov 2026 19:20:00 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
def test_a_wait_in_seconds_is_believed_up_to_an_hour(value: str, seconds: float | None) -> None:
    problem = from_http(429, {"Retry-After": value}, envelope("UserRateLimitResponse"))
    assert isinstance(problem, RateLimited)
    assert problem.retry_after == seconds


def test_without_a_wait_there_is_none() -> None:
    assert from_http(429, {}, b"").retry_after is None


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ({"subType": "trust-rule-denied", "message": "AI inference is not allowed."}, Denied),
        ({"errorCode": "temporarily-unavailable", "message": "Later."}, TemporarilyUnavailable),
        ({"subType": "quota-exhausted", "message": "AI inference is not allowed."}, QuotaExhausted),
        ({"errorCode": "premium-feature-unavailable"}, FeatureRefused),
        ({"message": "Agent inference failed: aiNotEnabled (AiNotEnabledOnSpace)"}, AiDisabled),
        ({"message": "Model almond-croissant is not available."}, ModelUnavailable),
        ({"message": "The model was not found"}, ModelUnavailable),
        ({"message": "Unknown model: oval-kumquat"}, ModelUnavailable),
        ({"message": "The model does not exist"}, ModelUnavailable),
        ({"message": "The model did not finish."}, UpstreamBroken),
        ({"message": "Something went wrong."}, UpstreamBroken),
        ({"message": 5, "subType": []}, UpstreamBroken),
        ({}, UpstreamBroken),
    ],
)
def test_each_failed_step_names_its_problem(step: dict[str, Any], kind: type[Problem]) -> None:
    assert type(from_step({"type": "error", **step})) is kind


def test_a_failed_step_is_told_in_its_own_words() -> None:
    said = {"type": "error", "message": "No\nway.", "subType": "trust-rule-denied"}
    assert str(from_step(said)) == "Notion failed: No way. (trust-rule-denied)"
    assert str(from_step({"type": "error"})) == "Notion failed: it does not say why"


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (
            {"total": 75, "current": 78},
            "the Notion AI allowance does not cover this: 78 used of 75",
        ),
        ({"total": 75}, "the Notion AI allowance does not cover this"),
        (None, "the Notion AI allowance does not cover this"),
    ],
)
def test_the_wall_tells_what_was_used(limit: Any, told: str) -> None:
    wall = {"type": "premium-feature-unavailable", "featureAvailability": {"limit": limit}}
    problem = from_step(wall)
    assert (type(problem), str(problem)) == (FeatureRefused, told)


@pytest.mark.parametrize(
    "secret",
    [TOKEN, TOKEN.replace("%3A", ":"), "v02%3Auser_token", "token_v2=short", "c2VjcmV0" * 5],
)
def test_no_message_shows_what_may_be_a_credential(secret: str) -> None:
    words = f"The token {secret} is wrong"
    assert scrub(words) == "The token *** is wrong"
    for problem in (
        from_http(401, JSON, envelope("UnauthorizedError", debugMessage=words)),
        from_http(500, JSON, envelope(secret, message=words)),
        from_step({"type": "error", "message": words}),
    ):
        assert secret not in str(problem)
        assert secret not in repr(problem)


def test_ids_and_plain_words_are_shown() -> None:
    words = "Trace 7a000000-0000-4000-8000-000000000005 of almond-croissant-low failed."
    assert scrub(words) == words


@given(st.text())
def test_words_are_one_short_line(words: str) -> None:
    assert len(scrub(words * 20)) <= 200
    assert scrub(words).isprintable()


def test_long_words_are_cut() -> None:
    assert scrub("so " * 100) == ("so " * 100)[:199] + "…"


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "content-type", "cf-mitigated"]), st.text()),
    st.binary() | st.sampled_from([PAGE, INVALID, NO_AI, b"[" * 5000, b'{"name":[],"message":{}}']),
)
def test_any_answer_is_some_problem(status: int, headers: dict[str, str], body: bytes) -> None:
    problem = from_http(status, headers, body)
    assert problem.status
    assert len(str(problem)) < 500


def test_a_challenge_concerns_no_account() -> None:
    for kind in (EdgeChallenged, Denied, UpstreamRejected):
        assert not kind.elsewhere
    for kind in (AccountRefused, WorkspaceRefused):
        assert kind.elsewhere
