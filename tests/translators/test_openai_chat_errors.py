"""OpenAI's error body."""

import json

import pytest

from notion_manager.errors import (
    BadRequest,
    ContextTooLong,
    Forbidden,
    Internal,
    KeyRefused,
    MethodNotAllowed,
    Misdirected,
    NotJson,
    Problem,
    QuotaExhausted,
    RateLimited,
    TooLarge,
    TooSlow,
    UnknownModel,
    Unsupported,
    UpgradeRequired,
    UpstreamBroken,
    UpstreamTimeout,
)
from notion_manager.translators.openai_chat import OpenAIChat
from notion_manager.translators.openai_errors import error_body


@pytest.mark.parametrize(
    ("problem", "type", "code"),
    [
        (BadRequest("x"), "invalid_request_error", "invalid_request_error"),
        (ContextTooLong(2, 1), "invalid_request_error", "context_length_exceeded"),
        (KeyRefused("x"), "authentication_error", "invalid_api_key"),
        (Forbidden("x"), "permission_error", "forbidden"),
        (UnknownModel("x"), "invalid_request_error", "model_not_found"),
        (MethodNotAllowed("x"), "invalid_request_error", "method_not_allowed"),
        (TooSlow("x"), "invalid_request_error", "request_timeout"),
        (TooLarge("x"), "invalid_request_error", "request_too_large"),
        (NotJson("x"), "invalid_request_error", "unsupported_media_type"),
        (Misdirected("x"), "invalid_request_error", "misdirected_request"),
        (UpgradeRequired("x"), "invalid_request_error", "upgrade_required"),
        (RateLimited("x"), "rate_limit_error", "rate_limit_exceeded"),
        (QuotaExhausted("x"), "insufficient_quota", "insufficient_quota"),
        (Internal("x"), "server_error", "internal_error"),
        (UpstreamBroken("x"), "server_error", "upstream_error"),
        (UpstreamTimeout("x"), "server_error", "upstream_timeout"),
    ],
)
def test_rule_10_a_problem_has_the_type_and_code_that_clients_know(
    problem: Problem, type: str, code: str
) -> None:
    message = str(problem)
    expected = {"message": message, "type": type, "param": None, "code": code}
    assert error_body(problem) == {"error": expected}


def test_rule_10_the_field_at_fault_is_the_param() -> None:
    body = json.loads(OpenAIChat.refuse(Unsupported("only one", field="n"), "req"))
    assert body["error"] == {
        "message": "n: only one",
        "type": "invalid_request_error",
        "param": "n",
        "code": "unsupported_parameter",
    }


def test_a_message_that_json_cannot_hold_is_still_told() -> None:
    body = json.loads(OpenAIChat.refuse(Internal("\ud800"), "req"))
    assert body["error"]["message"] == "\ufffd"
