"""What clients GET, as they were seen to: each is answered in the shape that it reads."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.goldens import GOLDEN
from tests.rig import KEY, Rig, rigged

CAPTURES = {
    path.stem: capture
    for path in sorted((GOLDEN / "requests").glob("*.json"))
    if (capture := json.loads(path.read_text()))["method"] == "GET"
}
Answered = tuple[int, dict[str, Any]]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


async def _replayed(rig: Rig, name: str) -> Answered:
    """As captured, but for the key, and for a model that there is."""
    capture = CAPTURES[name]
    path = capture["path"].replace("local-model", "opus-4.6")
    headers = {k: v.replace("<token>", KEY) for k, v in capture["headers"].items()}
    if "upgrade" in headers:
        headers["connection"] = "Upgrade"  # which belongs to the hop, and is not captured
    async with aiohttp.ClientSession() as http, http.get(rig.url + path, headers=headers) as r:
        return r.status, await r.json()


def _is_openai_error(body: dict[str, Any], code: str) -> bool:
    error = body["error"]
    return set(body) == {"error"} and (error["code"], error["param"]) == (code, None)


def test_every_capture_of_a_get_is_replayed_here() -> None:
    assert set(CAPTURES) == {
        "anthropic-python-6", "anthropic-python-7", "anthropic-ts-5", "claude-code-14", "codex-10",
        "codex-13", "openai-python-13", "openai-python-15", "openai-python-16",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["anthropic-python-6", "anthropic-ts-5", "claude-code-14"])
async def test_rule_16_who_names_an_anthropic_version_gets_anthropics_list(
    rig: Rig, name: str
) -> None:
    status, body = await _replayed(rig, name)
    ids = [model["id"] for model in body["data"]]
    assert (status, set(body)) == (200, {"data", "has_more", "first_id", "last_id"})
    assert (body["has_more"], body["first_id"], body["last_id"]) == (False, ids[0], ids[-1])
    assert "opus-4.6" in ids
    assert all(model["type"] == "model" and model["created_at"] for model in body["data"])


async def test_rule_16_the_openai_sdk_gets_openais_list(rig: Rig) -> None:
    status, body = await _replayed(rig, "openai-python-15")
    assert (status, set(body), body["object"]) == (200, {"object", "data"}, "list")
    assert "opus-4.6" in [model["id"] for model in body["data"]]
    assert {model["object"] for model in body["data"]} == {"model"}


@pytest.mark.parametrize(
    ("name", "told"), [("anthropic-python-7", "type"), ("openai-python-16", "object")]
)
async def test_one_model_is_told_by_its_name(rig: Rig, name: str, told: str) -> None:
    status, body = await _replayed(rig, name)
    assert (status, body["id"], body[told]) == (200, "opus-4.6", "model")
    assert (body["owned_by"], body["display_name"]) == ("anthropic", "Opus 4.6")


async def test_rule_43_codex_is_told_at_once_that_there_is_no_websocket(rig: Rig) -> None:
    status, body = await _replayed(rig, "codex-10")
    assert status == 426
    assert _is_openai_error(body, "upgrade_required")


async def test_codex_without_a_key_is_refused_even_the_list(rig: Rig) -> None:
    status, body = await _replayed(rig, "codex-13")
    assert status == 401
    assert _is_openai_error(body, "invalid_api_key")


async def test_rule_58_no_response_is_stored_to_be_fetched(rig: Rig) -> None:
    status, body = await _replayed(rig, "openai-python-13")
    assert status == 404
    assert _is_openai_error(body, "not_found")
    assert "not stored" in body["error"]["message"]
    assert rig.sim.count("runInferenceTranscript") == 0
