"""A guest of the simulator: a client as plain as can be, and a reader of streams of its own."""

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from notion_manager.simulator import SimAccount, Simulator


def fresh() -> str:
    return str(uuid.uuid4())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server does after its client has gone: nothing on the wire tells it."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - the server offers no event, only its state
            await asyncio.sleep(0.002)


@dataclass
class Reading:
    """What came: bytes, the parsed lines, the steps as the patches (or whole steps) leave them."""

    status: int
    headers: Any
    raw: bytes
    chunks: list[bytes]
    lines: list[Any] = field(default_factory=list)
    shown: list[Any] = field(default_factory=list)
    synced: list[Any] | None = None

    def __post_init__(self) -> None:
        for line in self.raw.split(b"\n"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and "type" in value:
                self.lines.append(value)
                self._take(value)

    def _take(self, line: dict[str, Any]) -> None:
        match line["type"]:
            case "patch-start":
                self.shown = json.loads(json.dumps(line["data"]["s"]))
            case "patch-sync":
                self.synced = line["data"]["s"]
            case "patch":
                for op in line["v"]:
                    _apply(self.shown, op)
            case _ if "id" in line:
                known = [n for n, step in enumerate(self.shown) if step["id"] == line["id"]]
                self.shown[known[0] if known else len(self.shown) :][:1] = []
                if known:
                    self.shown[known[0]] = line
                else:
                    self.shown.append(line)

    def of(self, type: str) -> list[Any]:
        return [line for line in self.lines if line["type"] == type]

    def steps(self, type: str) -> list[Any]:
        steps = self.shown if self.synced is None else self.synced
        return [step for step in steps if step["type"] == type]

    @property
    def entries(self) -> list[Any]:
        return [entry for step in self.steps("agent-inference") for entry in step["value"]]

    @property
    def text(self) -> str:
        """The text of the last inference step, without its language tag."""
        steps = self.steps("agent-inference")
        entries = steps[-1]["value"] if steps else []
        text = "".join(e["content"] for e in entries if e["type"] == "text")
        return text.split("/>", 1)[-1].removeprefix("\n") if text.startswith("<lang") else text


def _apply(steps: list[Any], op: dict[str, Any]) -> None:
    keys = op["p"].split("/")[2:]
    target: Any = steps
    for key in keys[:-1]:
        if isinstance(target, list) and not key.isdigit():
            target = next(step for step in target if step["id"] == key)
        else:
            target = target[int(key)] if isinstance(target, list) else target[key]
    value, last = json.loads(json.dumps(op["v"])), keys[-1]
    match op["o"], isinstance(target, list):
        case "a", True:
            at = len(target) if last == "-" else int(last)
            target[at : at + 1] = [value]
        case "a", False:
            target[last] = value
        case "x", False:
            target[last] += value
        case "p", False:
            target[last] = target[last].split("<lang")[0] + value
        case "r", True:
            del target[int(last)]
        case other:
            raise AssertionError(other)


@dataclass
class Guest:
    """One person's client. `account` may be swapped for another one's."""

    sim: Simulator
    url: str
    session: aiohttp.ClientSession
    account: SimAccount

    @property
    def space(self) -> str:
        return self.account.spaces[0].id

    def headers(self, **more: str) -> dict[str, str]:
        return {"cookie": f"a=b; token_v2={self.account.token_v2}", "accept-encoding": "", **more}

    def call(self, name: str, body: Any = None, **headers: str) -> Any:
        """The request as a context manager; header names with `_` for `-`."""
        extra = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.session.post(
            f"{self.url}/api/v3/{name}",
            json={} if body is None else body,
            headers=self.headers(**extra),
            allow_redirects=False,
        )

    async def post(self, name: str, body: Any = None, **headers: str) -> Any:
        """Status and JSON (or text) of a call."""
        async with self.call(name, body, **headers) as response:
            json_like = response.content_type == "application/json"
            return response.status, await (response.json() if json_like else response.text())

    def turn(self, text: str, **changes: Any) -> dict[str, Any]:
        """A first turn in a new thread, patch mode; `config` adds to the config step."""
        config = {"type": "workflow", "model": "almond-croissant-low", "modelFromUser": True}
        config |= changes.pop("config", {})
        body = {
            "traceId": fresh(),
            "spaceId": self.space,
            "threadId": fresh(),
            "createThread": True,
            "generateTitle": True,
            "saveAllThreadOperations": True,
            "threadType": "workflow",
            "isPartialTranscript": False,
            "asPatchResponse": True,
            "debugOverrides": {"emitAgentSearchExtractedResults": True},
            "transcript": [
                {"id": fresh(), "type": "config", "value": config},
                *changes.pop("history", []),
                {"id": fresh(), "type": "user", "value": [[text]]},
            ],
        }
        return {key: value for key, value in (body | changes).items() if value is not None}

    def next_turn(self, thread: str, text: str, **changes: Any) -> dict[str, Any]:
        """A later turn of a thread: only what is new."""
        later = {"threadId": thread, "createThread": False, "generateTitle": False}
        return self.turn(text, **{**later, "isPartialTranscript": True, **changes})

    async def ask(self, text: str, **changes: Any) -> Reading:
        return await self.read(self.turn(text, **changes))

    async def read(self, body: dict[str, Any]) -> Reading:
        async with self.call("runInferenceTranscript", body) as response:
            chunks = [chunk async for chunk, _ in response.content.iter_chunks()]
            return Reading(response.status, response.headers, b"".join(chunks), chunks)


Visit = Callable[..., AbstractAsyncContextManager[Guest]]
