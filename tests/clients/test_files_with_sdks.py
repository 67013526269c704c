"""Files of every kind through the official SDKs, in the forms that each of them has for them."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.files import KINDS, base64, data_url
from tests.rig import KEY, Rig, rigged

MODEL = "opus-4.6"
NOTES = "Notes on the bridge."
SEEN = [f"{len(data)} bytes, sha256 {sha256(data).hexdigest()[:8]})" for data in KINDS.values()]
SCHEMA = {"type": "object", "properties": {}}
Part = Mapping[str, Any]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


@pytest.fixture(name="claude")
async def _claude(rig: Rig) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(name="gpt")
async def _gpt(rig: Rig) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def check(rig: Rig, texts: Iterable[str]) -> None:
    """All files were seen in each answer, and the text where it belongs in each question."""
    for text in texts:
        assert all(seen in text for seen in SEEN)
    asked = [r.body for r in rig.sim.requests if r.endpoint == "runInferenceTranscript"]
    assert len(asked) == 2
    assert all(NOTES in body["transcript"][-1]["value"][0][0] for body in asked)


def blocks() -> Sequence[Part]:
    """As Messages has them: bytes, a text, and blocks within a document."""
    plain = {"type": "text", "media_type": "text/plain", "data": NOTES}
    made = [
        {
            "type": "image" if kind.startswith("image/") else "document",
            "source": {"type": "base64", "media_type": kind, "data": base64(data)},
        }
        for kind, data in KINDS.items()
    ]
    nested = {"type": "document", "source": {"type": "content", "content": made[:1]}}
    return [nested, *made[1:], {"type": "document", "source": plain, "title": "notes.txt"}]


@pytest.mark.parametrize("within", [False, True], ids=["message", "tool_result"])
async def test_messages(rig: Rig, claude: anthropic.AsyncAnthropic, *, within: bool) -> None:
    content: Any = [*blocks(), {"type": "text", "text": "Hello"}]
    asked: Any = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
    if within:
        use = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "c1", "content": content}
        asked["tools"] = [{"name": "look", "input_schema": SCHEMA}]
        asked["messages"] = [
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ]
    whole = await claude.messages.create(max_tokens=999, **asked)
    async with claude.messages.stream(max_tokens=999, **asked) as stream:
        streamed = await stream.get_final_message()
    counted = await claude.messages.count_tokens(**asked)
    check(rig, [message.content[0].text for message in (whole, streamed)])
    assert counted.input_tokens > 1600


async def test_chat(rig: Rig, gpt: openai.AsyncOpenAI) -> None:
    files = {**KINDS, "text/markdown": NOTES.encode()}
    parts = [
        {"type": "image_url", "image_url": {"url": data_url(kind, data), "detail": "high"}}
        if kind.startswith("image/")
        else {"type": "file", "file": {"filename": "a.f", "file_data": data_url(kind, data)}}
        for kind, data in files.items()
    ]
    said: Any = [{"role": "user", "content": [*parts, {"type": "text", "text": "Hello"}]}]
    whole = await gpt.chat.completions.create(model=MODEL, messages=said)
    async with gpt.chat.completions.stream(model=MODEL, messages=said) as stream:
        streamed = await stream.get_final_completion()
    texts = [completion.choices[0].message.content or "" for completion in (whole, streamed)]
    check(rig, texts)
    assert all("a.f (application/pdf" in text for text in texts)


@pytest.mark.parametrize("within", [False, True], ids=["message", "function_call_output"])
async def test_responses(rig: Rig, gpt: openai.AsyncOpenAI, *, within: bool) -> None:
    files = {**KINDS, "text/markdown": NOTES.encode()}
    parts: Any = [
        {"type": "input_image", "image_url": data_url(kind, data), "detail": "auto"}
        if kind.startswith("image/")
        else {"type": "input_file", "filename": "a.f", "file_data": data_url(kind, data)}
        for kind, data in files.items()
    ]
    said: Any = [{"role": "user", "content": [*parts, {"type": "input_text", "text": "Hello"}]}]
    if within:
        call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
        output = {"type": "function_call_output", "call_id": "c1", "output": parts}
        said = [{"role": "user", "content": "Look."}, call, output]
    tools: Any = [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}]
    asked: Any = {"model": MODEL, "input": said, "tools": tools if within else []}
    whole = await gpt.responses.create(**asked)
    async with gpt.responses.stream(**asked) as stream:
        streamed = await stream.get_final_response()
    check(rig, [response.output_text for response in (whole, streamed)])
