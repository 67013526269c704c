"""Research: one question, put to a model of that name in any API."""

import dataclasses
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from notion_manager.allowance import Allowance, Meter
from notion_manager.errors import BadRequest, ResearchExhausted, Unsupported
from notion_manager.models import Naming, research_of
from notion_manager.pool import Pool
from notion_manager.research import narrowed
from notion_manager.seating import Wish
from notion_manager.standing import Standing
from notion_manager.turn import (
    File,
    JsonOutput,
    Limits,
    Message,
    Search,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    Turn,
)
from tests.asking import CHAT, MESSAGES, RESPONSES, Api, until_cut
from tests.rig import KEY, QUICK, Rig, rigged, someone, until

each_api = pytest.mark.parametrize("api", [MESSAGES, CHAT, RESPONSES], ids=lambda api: api.name)
INFERENCE = "runInferenceTranscript"
ASK = Turn("researcher", (Message("user", (Text("Compare bridges"),)),))
TOOL = Tool("Read", "Reads.", {"type": "object"})


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


def sent(rig: Rig) -> list[dict[str, Any]]:
    return [body for name, body, _ in rig.sim.requests if name == INFERENCE]


# What is asked


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("researcher", "researcher"),
        ("Fast-Researcher", "fast-researcher"),
        ("notion/researcher", "researcher"),
        ("claude-local/researcher", "researcher"),
        ("look", "fast-researcher"),
        ("opus", ""),
        ("plain", ""),
        ("typo", ""),
        ("researchers", ""),
        ("opus-4.6", ""),
        ("", ""),
        ("researcher" * 200, ""),
    ],
)
def test_a_name_means_research_or_not(name: str, expected: str) -> None:
    naming = Naming(aliases={"look": "fast-researcher", "plain": "opus-4.6", "typo": "reseacher"})
    assert research_of(name, naming) == expected


def test_research_may_be_the_default() -> None:
    assert research_of("", Naming(default="researcher")) == "researcher"
    assert research_of("opus-4.6", Naming(default="researcher")) == ""


def test_only_the_question_is_asked_and_the_rest_is_named() -> None:
    picture = File("image/png", b"x")
    turn = Turn(
        "look",
        (
            Message("user", (Text("hi"),)),
            Message("assistant", (Text("Hello"),)),
            Message("user", (ToolResult("c", (picture,)), Text("One"), Text("two"))),
        ),
        system="You code.",
        tools=(TOOL,),
        effort="high",
        limits=Limits(max_tokens=5),
        conversation="c1",
    )
    asked, left_out = narrowed(turn, "researcher")
    assert asked == Turn(
        "researcher",
        (Message("user", (Text("One\n\ntwo"),)),),
        limits=Limits(max_tokens=5),
        search=Search(web=True, workspace=True),
    )
    assert left_out == ("system", "earlier messages", "tools", "files", "effort")
    assert narrowed(ASK, "researcher")[1] == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"output": JsonOutput({}, path="text.format")}, "text.format"),
        ({"tool_choice": ToolChoice("required")}, "tool_choice"),
        ({"search": Search(web=False)}, "X-Web-Search"),
        ({"search": Search(workspace=False)}, "X-Workspace-Search"),
    ],
)
def test_what_a_research_cannot_promise_is_refused(change: dict[str, Any], field: str) -> None:
    turn = Turn(ASK.model, ASK.messages, **change)
    with pytest.raises(Unsupported) as raised:
        narrowed(turn, "researcher")
    assert raised.value.field == field


def test_a_research_needs_a_question() -> None:
    turn = Turn("researcher", (Message("user", (File("image/png", b"x"),)),))
    with pytest.raises(BadRequest, match="question"):
        narrowed(turn, "researcher")


@pytest.mark.parametrize(
    ("api", "where"),
    [(MESSAGES, "messages"), (CHAT, "messages"), (RESPONSES, "input")],
    ids=lambda each: getattr(each, "name", each),
)
async def test_where_a_question_is_missing_is_told_in_the_words_of_the_api(
    rig: Rig, api: Api, where: str
) -> None:
    for ask in (api.ask("  ", model="researcher"), _unanswerable(api)):
        async with await rig.post(api.path, ask) as r:
            assert r.status == 400
            assert api.error(await r.json())[1].startswith(f"{where}: ")


def _unanswerable(api: Api) -> dict[str, Any]:
    """The last to say anything is the assistant."""
    said = [{"role": "assistant", "content": "a"}, {"role": "system", "content": "  "}]
    return {**api.ask(), "input" if api is RESPONSES else "messages": said}


# What comes of it


@each_api
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_report_comes_clean_and_its_progress_is_told(
    rig: Rig, api: Api, stream: bool
) -> None:
    async with await rig.post(
        api.path, api.ask("Compare bridges", model="researcher", stream=stream)
    ) as r:
        assert (r.status, r.headers["x-notion-manager-model"]) == (200, "researcher")
        assert r.headers["x-notion-manager-search"] == "web,workspace"
        text = api.said(await r.read()) if stream else api.text(await r.json())
    assert text.startswith("# Compare bridges")
    assert text.rstrip().endswith("It found two pages.")
    assert "artifact" not in text
    (body,) = sent(rig)
    assert (body["threadType"], body["asPatchResponse"]) == ("researcher", False)
    assert "threadId" not in body
    types = [step["type"] for step in body["transcript"]]
    assert types == ["config", "context", "user"]
    assert "model" not in body["transcript"][0]["value"]


async def test_the_sdks_read_it_with_its_thinking(rig: Rig) -> None:
    ask: Any = {"model": "fast-researcher", "max_tokens": 2000}
    said: Any = [{"role": "user", "content": "Compare bridges"}]
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        async with client.messages.stream(
            **ask, messages=said, thinking={"type": "enabled", "budget_tokens": 1024}
        ) as events:
            message = await events.get_final_message()
    thoughts = "".join(b.thinking for b in message.content if b.type == "thinking")
    for told in ("I will look at two pages.", "Looking into: ", "Looked into: ", "Enough"):
        assert told in thoughts
    assert message.usage.output_tokens > 1
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as gpt:
        response = await gpt.responses.create(model="researcher", input="Compare bridges")
        assert response.output_text.startswith("# Compare bridges")
        with pytest.raises(openai.BadRequestError, match="background"):
            await gpt.responses.create(model="researcher", input="Compare", background=True)


async def test_what_it_leaves_out_is_in_the_header(rig: Rig) -> None:
    said = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Compare bridges"},
    ]
    body = CHAT.ask("x", model="researcher", messages=said)
    async with await rig.post(CHAT.path, body) as r:
        assert r.status == 200
        assert "earlier messages" in r.headers["x-notion-manager-ignored"]
    assert len(sent(rig)[-1]["transcript"]) == 3


async def test_both_are_in_the_list_of_models(rig: Rig) -> None:
    async with await rig.get("/v1/models") as r:
        ids = [model["id"] for model in (await r.json())["data"]]
    assert {"researcher", "fast-researcher"} <= set(ids)


async def test_a_silent_research_is_given_more_time_than_a_chat(tmp_path: Path) -> None:
    impatient = dataclasses.replace(QUICK, silence=0.3, research=10.0)
    slow = dataclasses.replace(someone(), scenario="think=1")
    async with rigged(tmp_path, [slow], timeouts=impatient) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("Compare", model="researcher")) as r:
            assert r.status == 200
        async with await rig.post(CHAT.path, CHAT.ask("Hi")) as r:
            assert r.status == 504


@each_api
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("truncate", 502),
        ("reset-text", 502),
        ("handoff", 502),
        ("stall", 504),
        ("error=patch", 502),
    ],
)
async def test_a_research_that_breaks_off_is_told_and_not_asked_again(
    tmp_path: Path, api: Api, fault: str, status: int
) -> None:
    """Half a report never looks like a whole one. Its chat is not known, so nothing is read."""
    question = f"[[sim:{fault}]] Compare bridges"
    async with rigged(tmp_path, timeouts=dataclasses.replace(QUICK, research=0.5)) as rig:
        async with await rig.post(api.path, api.ask(question, model="researcher")) as r:
            assert r.status == status
        asked = api.ask(question, model="researcher", stream=True)
        async with await rig.post(api.path, asked) as r:
            body = await until_cut(r)
        assert rig.sim.count(INFERENCE) == 2
    assert "# Compare bridges" in api.said(body)
    assert api.broken in body
    assert api.last not in body


async def test_a_research_without_a_report_is_no_answer(rig: Rig) -> None:
    asked = CHAT.ask("[[sim:blank]] Compare bridges", model="researcher")
    async with await rig.post(CHAT.path, asked) as r:
        assert (r.status, CHAT.error(await r.json())[0]) == (502, "upstream_empty")


@each_api
async def test_rule_30_rule_42_rule_56_a_silent_research_is_bridged_by_pings(
    tmp_path: Path, api: Api
) -> None:
    timeouts = dataclasses.replace(QUICK, commit_after=0.05, ping_every=0.05)
    sign = {"messages": b"event: ping", "chat": b": ", "responses": b"event: response.in_progress"}
    question = api.ask("[[sim:think=0.4]] Compare bridges", model="researcher", stream=True)
    async with rigged(tmp_path, timeouts=timeouts) as rig:
        async with await rig.post(api.path, question) as r:
            body = await r.read()
    assert body.count(sign[api.name]) >= 3
    assert api.last in body


# Its own allowance


FREE = {"plan": "personal", "tier": "free", "user_limit": 75, "premium": 0}


async def test_its_allowance_is_its_own(tmp_path: Path) -> None:
    who = someone()
    spaces = (dataclasses.replace(who.spaces[0], **FREE),)
    async with rigged(tmp_path, [dataclasses.replace(who, spaces=spaces)]) as rig:

        async def ask(model: str) -> tuple[int, str]:
            async with await rig.post(CHAT.path, CHAT.ask("Compare", model=model)) as r:
                problem = (await r.json()).get("error") or {}
                return r.status, problem.get("message", "")

        assert [(await ask("researcher"))[0] for _ in range(3)] == [200] * 3
        status, words = await ask("researcher")
        assert status == 429
        assert "allowance for research is used up" in words
        assert (await ask("auto"))[0] == 200
        await until(lambda: any("researcher" in s.models for s in rig.store.standings()))
        (standing,) = rig.store.standings()
        assert not standing.reason


def test_who_has_research_left_is_asked_first_and_learns_it_from_a_look() -> None:
    pool = Pool([Standing("spent"), Standing("fresh")])
    meter = Meter("research", 3, 3, binds=False)
    pool.learn("spent", Allowance(1.0, meters=(meter,)), 1.0)
    pool.learn("fresh", Allowance(1.0, meters=(Meter("research", 1, 3, binds=False),)), 1.0)
    for _ in range(2):
        assert pool.pick(2.0, Wish("fast-researcher")) == "fresh"
        pool.release("fresh")
    assert {pool.pick(2.0, Wish("opus-4.6")) for _ in range(2)} == {"spent", "fresh"}
    pool.learn("spent", Allowance(3.0, meters=(Meter("research", 0, 3, binds=False),)), 3.0)
    assert pool.standings["spent"].models == {}


def test_a_wall_of_research_is_a_want_of_that_model_alone() -> None:
    pool = Pool([Standing("a")])
    (told,) = pool.report("a", ResearchExhausted("used up"), 1.0, "researcher")
    assert (told.reason, set(told.models)) == ("", {"researcher"})
