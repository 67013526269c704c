"""The official Anthropic SDK, against the running daemon."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anthropic
import pytest

from tests.rig import KEY, Rig, rigged

HELLO = [{"role": "user", "content": "[[sim:echo=Hello there, friend]]"}]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


@pytest.fixture(name="client")
async def _client(rig: Rig) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        yield client


async def test_a_message(client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.create(model="opus-4.6", max_tokens=64, messages=HELLO)
    assert message.content[0].type == "text"
    assert message.content[0].text == "Hello there, friend"
    assert (message.stop_reason, message.model, message.role) == (
        "end_turn",
        "opus-4.6",
        "assistant",
    )
    assert message.usage.output_tokens > 0
    assert message.usage.cache_read_input_tokens is not None


async def test_rule_27_a_stream_through_the_helper(client: anthropic.AsyncAnthropic) -> None:
    async with client.messages.stream(
        model="opus-4.6", max_tokens=64, system="Be kind", messages=HELLO
    ) as stream:
        pieces = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert "".join(pieces) == "Hello there, friend"
    assert message.content[0].type == "text"
    assert message.content[0].text == "Hello there, friend"
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0


async def test_a_raw_stream(client: anthropic.AsyncAnthropic) -> None:
    stream = await client.messages.create(
        model="opus-4.6", max_tokens=64, messages=HELLO, stream=True
    )
    kinds = [event.type async for event in stream]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


async def test_thinking(client: anthropic.AsyncAnthropic) -> None:
    ask = [{"role": "user", "content": "[[sim:thinking=Hm, well.]][[sim:echo=Yes]]"}]
    async with client.messages.stream(
        model="opus-4.6",
        max_tokens=2048,
        messages=ask,
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        message = await stream.get_final_message()
    thinking, text = message.content
    assert thinking.type == "thinking"
    assert thinking.thinking == "Hm, well."
    assert text.type == "text"
    assert text.text == "Yes"
    again = await client.messages.create(
        model="opus-4.6",
        max_tokens=2048,
        messages=[
            *ask,
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": "[[sim:normal]] thanks"},
        ],
    )
    assert again.stop_reason == "end_turn"


async def test_rule_34_counting_tokens(client: anthropic.AsyncAnthropic) -> None:
    few = await client.messages.count_tokens(model="opus-4.6", messages=HELLO)
    many = await client.messages.count_tokens(
        model="opus-4.6", messages=[{"role": "user", "content": "many words " * 500}]
    )
    assert 0 < few.input_tokens < 100
    assert many.input_tokens > 1000


async def test_rule_16_listing_models(client: anthropic.AsyncAnthropic) -> None:
    page = await client.models.list()
    ids = [model.id async for model in page]
    assert "opus-4.6" in ids
    assert (await client.models.retrieve("opus-4.6")).display_name == "Opus 4.6"


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("[[sim:429=1]]", anthropic.RateLimitError),
        ("[[sim:trust-rule-denied]]", anthropic.PermissionDeniedError),
        ("[[sim:empty]]", anthropic.InternalServerError),
    ],
)
async def test_rule_31_errors_are_the_sdks_own(
    rig: Rig, scenario: str, error: type[anthropic.APIStatusError]
) -> None:
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        with pytest.raises(error) as caught:
            await client.messages.create(
                model="opus-4.6", max_tokens=9, messages=[{"role": "user", "content": scenario}]
            )
    assert caught.value.request_id


async def test_a_wrong_key_is_an_authentication_error(rig: Rig) -> None:
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key="nm-no", max_retries=2) as client:
        with pytest.raises(anthropic.AuthenticationError):
            await client.messages.create(model="opus-4.6", max_tokens=9, messages=HELLO)
    assert len(rig.records) == 1


async def test_rule_8_a_broken_stream_raises(client: anthropic.AsyncAnthropic) -> None:
    ask = [{"role": "user", "content": "[[sim:cut=lost]][[sim:long=200]]"}]
    with pytest.raises(anthropic.APIError):
        async with client.messages.stream(
            model="opus-4.6", max_tokens=4096, messages=ask
        ) as stream:
            await stream.get_final_message()
