"""The list of models, and the names that find one, over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from notion_manager.config import Config, Models
from notion_manager.simulator.catalogue import AUTO
from tests.asking import APIS, Api
from tests.rig import Rig, rigged, someone

each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


async def test_rule_16_the_list_has_the_shape_that_the_asker_reads(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/v1/models") as r:
        body = await r.json()
    assert body["object"] == "list"
    assert {"id", "object", "created", "owned_by"} <= set(body["data"][0])
    headers = {"anthropic-version": "2023-06-01"}
    async with rig.http.get(rig.url + "/v1/models?limit=1000", headers=headers) as r:
        body = await r.json()
    assert {"data", "has_more", "first_id", "last_id"} == set(body)
    assert {"type", "id", "display_name", "created_at"} <= set(body["data"][0])
    assert body["data"][0]["lifecycle"] == "active"  # the SDKs' type has it always
    assert body["data"][0]["id"] == body["first_id"]


async def test_rule_16_every_listed_id_is_answered_and_can_be_asked(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/models") as r:
        ids = [m["id"] for m in (await r.json())["data"]]
    assert len(ids) > 20
    for id in ids:
        async with rig.http.get(f"{rig.url}/v1/models/{id}") as r:
            assert (r.status, (await r.json())["id"]) == (200, id)
    for api in APIS:
        async with await rig.post(api.path, api.ask(model=ids[-1])) as r:
            assert r.status == 200, await r.text()


async def test_rule_17_claude_code_finds_every_model_in_its_picker(rig: Rig) -> None:
    async with rig.http.get(rig.url + "/v1/models", headers={"anthropic-version": "x"}) as r:
        ids = [m["id"] for m in (await r.json())["data"]]
    assert any(id.startswith("claude-local/gpt") for id in ids)


async def test_the_list_comes_in_time_whatever_the_upstream_does(tmp_path: Path) -> None:
    async with rigged(tmp_path, [someone(1, "hang everywhere")]) as rig:
        began = asyncio.get_running_loop().time()
        async with rig.http.get(rig.url + "/v1/models") as r:
            assert r.status == 200
        assert asyncio.get_running_loop().time() - began < 3


@pytest.mark.parametrize(
    ("asked", "served", "how"),
    [
        ("opus-4.6", "opus-4.6", "exact"),
        ("claude-opus-4-6", "opus-4.6", "exact"),
        ("claude-opus-4-6-20260101", "opus-4.6", "exact"),
        ("claude-opus-4-6[1m]", "opus-4.6", "exact"),
        ("avocado-froyo-medium", "opus-4.6", "exact"),
        ("mine", "opus-4.6", "alias"),
        ("claude-haiku-9-9", None, "nearest"),
        ("gpt-5-mini", None, "nearest"),
        ("auto", AUTO, "auto"),
    ],
)
async def test_rule_14_names_find_their_model_and_come_back_as_they_were(
    tmp_path: Path, asked: str, served: str | None, how: str
) -> None:
    config = Config(models=Models(aliases={"mine": "opus-4.6"}))
    async with rigged(tmp_path, config=config) as rig:
        for api in APIS:
            async with await rig.post(api.path, api.ask(model=asked)) as r:
                assert r.status == 200, await r.text()
                assert (await r.json())["model"] == asked
            assert r.headers["x-notion-manager-model-choice"] == how
            assert served in {None, r.headers["x-notion-manager-model"]}


@each_api
async def test_rule_14_a_strangers_model_is_a_404_that_helps(rig: Rig, api: Api) -> None:
    async with await rig.post(api.path, api.ask(model="opuss-4.6")) as r:
        body = await r.json()
    assert (r.status, r.headers["x-should-retry"]) == (404, "false")
    assert "opus-4.6" in api.error(body)[1]
