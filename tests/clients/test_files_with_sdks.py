"""Pictures and documents through the official SDKs, in the form that each of them has for them."""

from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path

import anthropic
import openai
import pytest

from tests.files import CSV, PDF, PNG, base64, data_url
from tests.rig import KEY, Rig, rigged

MODEL = "opus-4.6"
SEEN = [f"{len(data)} bytes, sha256 {sha256(data).hexdigest()[:8]})" for data in (PNG, PDF, CSV)]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


async def test_messages(rig: Rig) -> None:
    parts = [
        {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": base64(data)}}
        for kind, media_type, data in (
            ("image", "image/png", PNG),
            ("document", "application/pdf", PDF),
            ("document", "text/csv", CSV),
        )
    ]
    said = [{"role": "user", "content": [*parts, {"type": "text", "text": "Hello"}]}]
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        whole = await client.messages.create(model=MODEL, max_tokens=999, messages=said)
        async with client.messages.stream(model=MODEL, max_tokens=999, messages=said) as stream:
            streamed = await stream.get_final_message()
        counted = await client.messages.count_tokens(model=MODEL, messages=said)
    for message in (whole, streamed):
        assert all(seen in message.content[0].text for seen in SEEN)
    assert counted.input_tokens > 1600


async def test_chat(rig: Rig) -> None:
    files = (("a.pdf", "application/pdf", PDF), ("b.csv", "text/csv", CSV))
    parts = [
        {"type": "image_url", "image_url": {"url": data_url("image/png", PNG), "detail": "high"}},
        *(
            {"type": "file", "file": {"filename": name, "file_data": data_url(media_type, data)}}
            for name, media_type, data in files
        ),
    ]
    said = [{"role": "user", "content": [*parts, {"type": "text", "text": "Hello"}]}]
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        whole = await client.chat.completions.create(model=MODEL, messages=said)
        streamed = [
            chunk.choices[0].delta.content or ""
            async for chunk in await client.chat.completions.create(
                model=MODEL, messages=said, stream=True
            )
            if chunk.choices
        ]
    for text in (whole.choices[0].message.content, "".join(streamed)):
        assert all(seen in text for seen in SEEN)
        assert "a.pdf (application/pdf" in text


async def test_responses(rig: Rig) -> None:
    parts = [
        {"type": "input_image", "image_url": data_url("image/png", PNG), "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": data_url("application/pdf", PDF)},
        {"type": "input_file", "filename": "b.csv", "file_data": data_url("text/csv", CSV)},
        {"type": "input_text", "text": "Hello"},
    ]
    said = [{"role": "user", "content": parts}]
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        whole = await client.responses.create(model=MODEL, input=said)
        async with client.responses.stream(model=MODEL, input=said) as stream:
            streamed = await stream.get_final_response()
    for response in (whole, streamed):
        assert all(seen in response.output_text for seen in SEEN)
