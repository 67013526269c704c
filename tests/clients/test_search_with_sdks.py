"""What was found, read back by the official SDKs in each API's own terms."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from notion_manager.config import Config, Search
from tests.rig import KEY, Rig, rigged

NEWS, WIKI = "https://news.example.test/bridge", "https://wiki.example.test/Bridge"
ASK = "[[sim:search=all]] When did the bridge open?"
ANTHROPIC_TOOL: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


def claude(rig: Rig) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key=KEY, base_url=rig.url, max_retries=0)


def gpt(rig: Rig) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=KEY, base_url=f"{rig.url}/v1", max_retries=0)


async def told(client: anthropic.AsyncAnthropic, stream: bool, **more: Any) -> Any:
    """A message, streamed or not."""
    asked: Any = {
        "model": "auto",
        "max_tokens": 500,
        "tools": [ANTHROPIC_TOOL],
        "messages": [{"role": "user", "content": ASK}],
        **more,
    }
    if not stream:
        return await client.messages.create(**asked)
    async with client.messages.stream(**asked) as events:
        return await events.get_final_message()


either = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@either
async def test_messages_have_blocks_of_a_search_and_citations(rig: Rig, stream: bool) -> None:
    async with claude(rig) as client:
        message = await told(client, stream)
    use, result = [b for b in message.content if b.type not in ("thinking", "text")]
    texts = [b for b in message.content if b.type == "text"]
    assert (use.type, use.name, use.input["query"][:4]) == ("server_tool_use", "web_search", "When")
    assert (result.type, result.tool_use_id) == ("web_search_tool_result", use.id)
    assert [(p.url, p.title) for p in result.content] == [
        (NEWS, "Bridge opens"),
        (WIKI, "Example bridge"),
    ]
    cited = [c for text in texts for c in text.citations or ()]
    assert {c.type for c in cited} == {"web_search_result_location"}
    assert {(c.url, c.title) for c in cited} >= {(NEWS, "Bridge opens")}
    said = "".join(text.text for text in texts)
    assert "[1]" not in said
    assert "Sources:" not in said
    assert message.usage.server_tool_use.web_search_requests == 1
    assert message.stop_reason == "end_turn"


async def test_a_message_that_was_cited_goes_on_where_it_was(rig: Rig) -> None:
    """Its blocks come back as they were, cut at each citation."""
    async with claude(rig) as client:
        message = await told(client, stream=True)
        history = [
            {"role": "user", "content": ASK},
            {"role": "assistant", "content": [b.model_dump() for b in message.content]},
            {"role": "user", "content": "And who built it?"},
        ]
        raw = await client.messages.with_raw_response.create(
            model="auto", max_tokens=500, tools=[ANTHROPIC_TOOL], messages=history
        )
    assert raw.headers["x-notion-manager-thread"] == "continued"
    assert "messages" not in raw.headers.get("x-notion-manager-ignored", "")


@either
async def test_chat_has_annotations_that_span_the_links(rig: Rig, stream: bool) -> None:
    asked: Any = {
        "model": "auto",
        "messages": [{"role": "user", "content": ASK}],
        "web_search_options": {},
    }
    async with gpt(rig) as client:
        if stream:
            async with client.chat.completions.stream(**asked) as events:
                message = (await events.get_final_completion()).choices[0].message
        else:
            message = (await client.chat.completions.create(**asked)).choices[0].message
    assert message.content is not None
    found = [
        a["url_citation"] if isinstance(a, dict) else a.url_citation.model_dump()
        for a in message.annotations or ()
    ]
    assert found
    for cite in found:
        link = message.content[cite["start_index"] : cite["end_index"]]
        assert link == f"([{cite['title']}]({cite['url']}))"
    assert "Sources:" not in message.content


@either
async def test_responses_have_search_calls_and_annotations(rig: Rig, stream: bool) -> None:
    asked: Any = {
        "model": "auto",
        "input": ASK,
        "tools": [{"type": "web_search"}],
        "include": ["web_search_call.action.sources"],
    }
    async with gpt(rig) as client:
        if stream:
            async with client.responses.stream(**asked) as events:
                response: Any = await events.get_final_response()
        else:
            response = await client.responses.create(**asked)
        call = next(item for item in response.output if item.type == "web_search_call")
        assert call.status == "completed"
        assert call.action.query.startswith("When did the bridge open?")
        assert [source.url for source in call.action.sources] == [NEWS, WIKI]
        (part,) = [i for i in response.output if i.type == "message"][-1].content
        assert part.annotations
        for cite in part.annotations:
            assert cite.type == "url_citation"
            assert part.text[cite.start_index : cite.end_index] == f"([{cite.title}]({cite.url}))"
        history = [{"role": "user", "content": ASK}, *(i.model_dump() for i in response.output)]
        again = await client.responses.with_raw_response.create(
            **asked | {"input": [*history, {"role": "user", "content": "Who built it?"}]}
        )
    assert again.headers["x-notion-manager-thread"] == "continued"


PLANS = "https://www.notion.so/0a1b2c3d00004000800000000000000f"


@pytest.mark.parametrize("wanted", [True, False])
async def test_pages_of_the_workspace_have_title_and_link_where_it_is_searched(
    rig: Rig, *, wanted: bool
) -> None:
    """And come to nobody else."""
    headers = {"X-Workspace-Search": "true"} if wanted else {}
    asked: Any = [{"role": "user", "content": "[[sim:search=page]] When did it open?"}]
    async with claude(rig) as client, gpt(rig) as other:
        inline = await told(client, False, tools=[], messages=asked, extra_headers=headers)
        typed = await told(client, True, messages=asked, extra_headers=headers)
        chat = await other.chat.completions.create(
            model="auto", messages=asked, web_search_options={}, extra_headers=headers
        )
        response = await other.responses.create(
            model="auto", input=asked, tools=[{"type": "web_search"}], extra_headers=headers
        )
    assert ("Bridge plans - " + PLANS in inline.content[0].text) == wanted
    texts = [block for block in typed.content if block.type == "text"]
    for pages in (
        [p for b in typed.content if b.type == "web_search_tool_result" for p in b.content],
        [cite for text in texts for cite in text.citations or ()],
        [a.url_citation for a in chat.choices[0].message.annotations or ()],
        [a for i in response.output if i.type == "message" for a in i.content[0].annotations],
    ):
        assert (("Bridge plans", PLANS) in [(page.title, page.url) for page in pages]) == wanted


@pytest.mark.parametrize("form", ["inline", "typed", "none"])
async def test_who_did_not_ask_for_search_gets_what_is_configured(
    tmp_path: Path, form: Any
) -> None:
    async with (
        rigged(tmp_path, config=Config(search=Search(citations=form))) as rig,
        claude(rig) as client,
    ):
        message = await told(client, stream=False, tools=[])
    kinds = {block.type for block in message.content}
    text = "".join(block.text for block in message.content if block.type == "text")
    cited = [c for b in message.content if b.type == "text" for c in b.citations or ()]
    assert ("server_tool_use" in kinds) == (form == "typed")
    assert bool(cited) == (form == "typed")
    assert ("[1]" in text) == ("Sources:" in text) == (form == "inline")


async def test_progress_is_told_as_thinking(rig: Rig) -> None:
    async with claude(rig) as client:
        message = await told(
            client, stream=True, tools=[], thinking={"type": "enabled", "budget_tokens": 1024}
        )
    thoughts = "".join(b.thinking for b in message.content if b.type == "thinking")
    assert "Searching" in thoughts
    assert "Found 2 results: Bridge opens; Example bridge" in thoughts
