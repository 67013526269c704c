"""What may be searched: said by headers, else by the body, else by the configuration."""

from pathlib import Path
from typing import Any

import pytest

from notion_manager.config import Config, Proxy
from tests.asking import CHAT, MESSAGES, RESPONSES, Api
from tests.rig import rigged

each_api = pytest.mark.parametrize("api", [MESSAGES, CHAT, RESPONSES], ids=lambda api: api.name)
TOOL: dict[str, dict[str, Any]] = {
    "messages": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "chat": {"web_search_options": {}},
    "responses": {"tools": [{"type": "web_search"}]},
}
INFERENCE = "runInferenceTranscript"
WEB, WORKSPACE = "X-Web-Search", "X-Workspace-Search"


@each_api
@pytest.mark.parametrize(
    ("headers", "asks", "told"),
    [
        ({}, False, "none"),
        ({}, True, "web"),
        ({WEB: "true"}, False, "web"),
        ({WEB: "false"}, True, "none"),
        ({WEB: " True "}, False, "web"),
        ({WORKSPACE: "true"}, True, "web,workspace"),
        ({WORKSPACE: "true"}, False, "workspace"),
        ({WEB: "true", WORKSPACE: "false"}, True, "web"),
    ],
)
async def test_headers_come_before_the_body_and_that_before_the_configuration(
    tmp_path: Path, api: Api, headers: dict[str, str], told: str, *, asks: bool
) -> None:
    config = Config(proxy=Proxy(web_search=False))
    async with rigged(tmp_path, config=config) as rig:
        body = api.ask("[[sim:echo=ok]]", **(TOOL[api.name] if asks else {}))
        async with await rig.post(api.path, body, **headers) as r:
            assert (r.status, r.headers["x-notion-manager-search"]) == (200, told)
        (sent,) = [body for name, body, _ in rig.sim.requests if name == INFERENCE]
        step = next(s for s in sent["transcript"] if s["type"] == "config")
        can = [
            step["value"]["useWebSearch"] and "web",
            step["value"]["searchScopes"] and "workspace",
        ]
        assert ",".join(filter(None, can)) == told.replace("none", "")


@each_api
async def test_a_search_tool_that_may_not_be_used_switches_nothing_on(
    tmp_path: Path, api: Api
) -> None:
    tool = {"type": "web_search_20250305" if api is MESSAGES else "web_search"}
    choice = {"type": "none"} if api is MESSAGES else "none"
    body = api.ask("[[sim:echo=ok]]", tools=[{**tool, "name": "web_search"}], tool_choice=choice)
    async with rigged(tmp_path, config=Config(proxy=Proxy(web_search=False))) as rig:
        async with await rig.post(api.path, body) as r:
            assert (r.status, r.headers["x-notion-manager-search"]) == (200, "none")


@each_api
async def test_by_default_the_web_is_searched_and_the_workspace_is_not(
    tmp_path: Path, api: Api
) -> None:
    async with rigged(tmp_path) as rig:
        async with await rig.post(api.path, api.ask("[[sim:echo=ok]]")) as r:
            assert r.headers["x-notion-manager-search"] == "web"


@each_api
@pytest.mark.parametrize("value", ["", "yes", "1", "true, false"])
async def test_anything_else_is_refused_by_the_name_of_the_header(
    tmp_path: Path, api: Api, value: str
) -> None:
    async with rigged(tmp_path) as rig:
        for name in (WEB, WORKSPACE):
            async with await rig.post(api.path, api.ask("hi"), **{name: value}) as r:
                assert r.status == 400
                _, message = api.error(await r.json())
                assert message == f"{name}: expected true or false, not {value!r}"


async def test_a_conversation_does_not_take_what_was_found_in_the_workspace_elsewhere(
    tmp_path: Path,
) -> None:
    """The chat that had the workspace's pages is not gone on with where they are not wanted."""
    async with rigged(tmp_path) as rig:
        said: list[dict[str, str]] = [{"role": "user", "content": "[[sim:echo=ok]]"}]
        for headers, thread in (
            ({WORKSPACE: "true"}, "new"),
            ({WORKSPACE: "true"}, "continued"),
            ({WORKSPACE: "false"}, "moved"),
        ):
            body = {**CHAT.ask(), "messages": said}
            async with await rig.post(CHAT.path, body, **headers) as r:
                assert r.headers["x-notion-manager-thread"] == thread
                answer = CHAT.text(await r.json())
            said += [
                {"role": "assistant", "content": answer},
                {"role": "user", "content": "[[sim:echo=ok]] more"},
            ]
