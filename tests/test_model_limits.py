"""What the models list says of limits."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Rig, rigged

LIMITS = {"context_window", "max_input_tokens", "max_tokens"}
each_shape = pytest.mark.parametrize(
    "headers", [{}, {"anthropic-version": "2026-10-21"}], ids=["openai", "anthropic"]
)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


async def _listed(rig: Rig, headers: dict[str, str]) -> dict[str, dict[str, Any]]:
    async with rig.http.get(rig.url + "/v1/models", headers=headers) as r:
        assert r.status == 200
        return {entry["id"]: entry for entry in (await r.json())["data"]}


@each_shape
async def test_rule_18_known_limits_stand_in_keys_of_their_own(
    rig: Rig, headers: dict[str, str]
) -> None:
    listed = await _listed(rig, headers)
    for id in ("gpt-5.4", "claude-local/gpt-5.4"):
        entry = listed[id]
        assert entry["context_window"] == 400_000
        assert 0 < entry["max_input_tokens"] <= entry["context_window"]
        assert entry["max_tokens"] == 128_000


@each_shape
async def test_rule_18_a_limit_that_is_not_known_is_not_made_up(
    rig: Rig, headers: dict[str, str]
) -> None:
    listed = await _listed(rig, headers)
    for id in ("opus-4.6", "auto", "claude-local/auto"):
        assert not LIMITS & set(listed[id])


async def test_rule_18_one_model_has_the_limits_of_the_list(rig: Rig) -> None:
    listed = await _listed(rig, {})
    async with rig.http.get(rig.url + "/v1/models/gpt-5.4") as r:
        one = await r.json()
    assert {k: v for k, v in one.items() if k in LIMITS} == {
        k: v for k, v in listed["gpt-5.4"].items() if k in LIMITS
    }
    assert set(one) >= LIMITS
