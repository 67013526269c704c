"""The official OpenAI SDK, against the running daemon: Chat Completions and Responses."""

from collections.abc import AsyncGenerator
from pathlib import Path

import openai
import pytest

from tests.rig import KEY, Rig, rigged

ECHO = "[[sim:echo=Hello there, friend]]"
HELLO = [{"role": "user", "content": ECHO}]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


@pytest.fixture(name="client")
async def _client(rig: Rig) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


async def test_a_completion(client: openai.AsyncOpenAI) -> None:
    made = await client.chat.completions.create(model="opus-4.6", messages=HELLO)
    assert made.choices[0].message.content == "Hello there, friend"
    assert made.choices[0].finish_reason == "stop"
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens
    assert made.usage.prompt_tokens_details is not None
    assert made.usage.prompt_tokens_details.cached_tokens


async def test_rule_38_rule_40_a_stream_of_chunks(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="opus-4.6", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "Hello there, friend"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None


async def test_the_stream_helper(client: openai.AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="opus-4.6", messages=HELLO) as stream:
        made = await stream.get_final_completion()
    assert made.choices[0].message.content == "Hello there, friend"
    again = await client.chat.completions.create(
        model="opus-4.6",
        messages=[
            *HELLO,
            made.choices[0].message.to_dict(),
            {"role": "user", "content": "[[sim:normal]] thanks"},
        ],
    )
    assert again.choices[0].finish_reason == "stop"


async def test_a_response(client: openai.AsyncOpenAI) -> None:
    made = await client.responses.create(model="opus-4.6", input=ECHO, instructions="Be kind")
    assert made.output_text == "Hello there, friend"
    assert made.status == "completed"
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens


async def test_rule_52_a_stream_of_events(client: openai.AsyncOpenAI) -> None:
    stream = await client.responses.create(model="opus-4.6", input=ECHO, stream=True)
    events = [event async for event in stream]
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert said == "Hello there, friend"


async def test_the_responses_helper_and_its_replay(client: openai.AsyncOpenAI) -> None:
    ask = [{"role": "user", "content": f"[[sim:thinking=Hm.]]{ECHO}"}]
    async with client.responses.stream(
        model="opus-4.6", input=ask, reasoning={"summary": "auto"}
    ) as stream:
        made = await stream.get_final_response()
    assert made.output_text == "Hello there, friend"
    assert [item.type for item in made.output] == ["reasoning", "message"]
    follow = {"role": "user", "content": "[[sim:normal]] thanks"}
    again = await client.responses.create(
        model="opus-4.6", input=[*ask, *[i.to_dict() for i in made.output], follow]
    )
    assert again.status == "completed"


async def test_rule_16_listing_models(client: openai.AsyncOpenAI) -> None:
    ids = [model.id async for model in client.models.list()]
    assert "opus-4.6" in ids
    assert (await client.models.retrieve("opus-4.6")).id == "opus-4.6"


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("[[sim:429=1]]", openai.RateLimitError),
        ("[[sim:trust-rule-denied]]", openai.PermissionDeniedError),
        ("[[sim:empty]]", openai.InternalServerError),
    ],
)
async def test_errors_are_the_sdks_own(
    client: openai.AsyncOpenAI, scenario: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        await client.responses.create(model="opus-4.6", input=scenario)
    assert caught.value.request_id


async def test_rule_8_rule_42_a_broken_chat_stream_raises(client: openai.AsyncOpenAI) -> None:
    ask = [{"role": "user", "content": "[[sim:cut=lost]][[sim:long=200]]"}]
    stream = await client.chat.completions.create(model="opus-4.6", messages=ask, stream=True)
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass


async def test_rule_55_a_broken_response_stream_says_failed(client: openai.AsyncOpenAI) -> None:
    stream = await client.responses.create(
        model="opus-4.6", input="[[sim:cut=lost]][[sim:long=200]]", stream=True
    )
    kinds: list[str] = []
    try:
        async for event in stream:
            kinds.append(event.type)  # noqa: PERF401 - what came before the cut counts
    except openai.APIError:
        pass
    except Exception as exc:  # noqa: BLE001 - the transport's own error for a cut body
        assert "peer closed" in str(exc) or "incomplete" in str(exc)  # noqa: PT017
    assert kinds[-1] == "response.failed"
