"""Requests with tools to a daemon, whose simulated model does as they say."""

import json
from collections.abc import Sequence
from typing import Any

from tests.asking import MESSAGES
from tests.rig import Rig

PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOL = {"name": "Read", "description": "Reads.", "input_schema": PATH}


def order(*steps: Any, words: str = "") -> str:
    return f"{words}[[sim:work]] {json.dumps(steps)}"


def call(tool: str, **args: Any) -> dict[str, Any]:
    return {"tool": tool, "args": args}


async def ask(rig: Rig, path: str, **body: Any) -> dict[str, Any]:
    async with await rig.post(path, {"model": "opus-4.6", **body}) as answer:
        made = await answer.json()
    assert answer.status == 200, made
    return made


async def message(
    rig: Rig, said: Sequence[Any], tools: Sequence[Any], **more: Any
) -> dict[str, Any]:
    return await ask(rig, MESSAGES.path, max_tokens=9000, messages=said, tools=tools, **more)


def asked(rig: Rig) -> Any:
    """What the service was asked last."""
    return [r for r in rig.sim.requests if r.endpoint == "runInferenceTranscript"][-1].body


def calls(made: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(b["name"], b["input"]) for b in made["content"] if b["type"] == "tool_use"]
