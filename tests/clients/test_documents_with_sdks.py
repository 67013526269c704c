"""JSON of a schema through the official SDKs, over all three APIs and the simulator's wire."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal

import anthropic
import openai
import pydantic
import pytest

from tests.clients.test_tools_with_sdks import order
from tests.rig import KEY, Rig, rigged

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


@pytest.mark.parametrize(
    "said",
    [
        '{"name": "Ada", "age": 36}',
        'Here:\n```json\n{"name": "Ada", "age": 36}\n```',
        '{"name": "Ada", "age": "36"}',
    ],
)
async def test_rule_25_rule_37_rule_49_a_document_of_a_schema(rig: Rig, said: str) -> None:
    text = order([said])
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        form = {
            "type": "json_schema",
            "json_schema": {"name": "person", "schema": PERSON, "strict": True},
        }
        made = await client.chat.completions.create(
            model="opus-4.6", messages=[{"role": "user", "content": text}], response_format=form
        )
        assert json.loads(made.choices[0].message.content or "") == {"name": "Ada", "age": 36}
        wanted = {
            "format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}
        }
        response = await client.responses.create(model="opus-4.6", input=text, text=wanted)
        assert json.loads(response.output_text) == {"name": "Ada", "age": 36}
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as vendor:
        config = {"format": {"type": "json_schema", "schema": PERSON}}
        message = await vendor.messages.create(
            model="opus-4.6",
            max_tokens=500,
            messages=[{"role": "user", "content": text}],
            output_config=config,
        )
        assert json.loads(message.content[0].text) == {"name": "Ada", "age": 36}


async def test_who_asks_for_a_type_of_his_own_gets_a_value_of_it(rig: Rig) -> None:
    class Step(pydantic.BaseModel):
        why: str
        result: float

    class Solution(pydantic.BaseModel):
        steps: list[Step]
        kind: Literal["exact", "near"]
        note: str | None

    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        said: Any = [{"role": "user", "content": "Solve it."}]
        made = await client.chat.completions.parse(
            model="opus-4.6", messages=said, response_format=Solution
        )
        response = await client.responses.parse(
            model="opus-4.6", input="Solve it.", text_format=Solution
        )
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as vendor:
        message = await vendor.messages.parse(
            model="opus-4.6", max_tokens=500, messages=said, output_format=Solution
        )
    found = made.choices[0].message.parsed, response.output_parsed, message.parsed_output
    assert [value.kind for value in found if value] == ["exact"] * 3
    assert all("simulated" in value.steps[0].why for value in found if value)


async def test_a_wrong_document_is_mended_or_refused(rig: Rig) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:

        async def ask(*steps: str) -> Any:
            said = [{"role": "user", "content": order(steps)}]
            return await client.chat.completions.with_raw_response.create(
                model="opus-4.6", messages=said, response_format=form
            )

        raw = await ask('{"name": "Ada"}', '{"name": "Ada", "age": 36}')
        assert raw.headers["x-notion-manager-reask"] == "1"
        assert json.loads(raw.parse().choices[0].message.content)["age"] == 36
        with pytest.raises(openai.InternalServerError) as caught:
            await ask("I would rather not.", "No.")
    assert caught.value.code == "invalid_structured_output"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.response.headers["x-notion-manager-reask"] == "1"
    assert caught.value.response.headers["x-notion-manager-account"]
