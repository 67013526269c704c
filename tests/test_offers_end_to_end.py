"""The kinds of tools that clients offer, over the daemon and the simulator's wire."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.asking import CHAT, RESPONSES, frames
from tests.rig import Rig, rigged
from tests.tooling import PATH, TOOL, ask, asked, call, calls, message, order


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


async def test_rule_22_rule_23_tools_with_all_their_keys_are_offered_and_deferred_ones_too(
    rig: Rig,
) -> None:
    extra = {
        "cache_control": {"type": "ephemeral"},
        "eager_input_streaming": True,
        "strict": True,
        "type": "custom",
        "input_examples": [{}],
        "allowed_callers": ["direct"],
    }
    tools = [
        {**TOOL, **extra},
        {
            "name": "WebFetch",
            "defer_loading": True,
            "input_schema": {"type": "object", "properties": {}},
        },
        {
            "name": "DeferredToolPlaceholder",
            "defer_loading": True,
            "input_schema": {"type": "object"},
        },
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
    ]
    said = [
        {
            "role": "user",
            "content": order(
                [
                    call("Read", path="a"),
                    call("WebFetch"),
                    call("DeferredToolPlaceholder"),
                    call("code_execution"),
                ]
            ),
        }
    ]
    made = await message(rig, said, tools)
    assert calls(made) == [("Read", {"path": "a"}), ("WebFetch", {})]


NAME = "n" * 64
RICH = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "tree": {"$ref": "#/definitions/tree"},
    },
    "definitions": {"tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/definitions/tree"}}}}},
    "additionalProperties": False,
}  # fmt: skip


async def test_rule_61_long_names_and_rich_schemas_pass_unharmed(rig: Rig) -> None:
    args = {"either": None, "tree": {"kids": [{"kids": []}, {}]}}
    tools = [
        {"name": NAME, "input_schema": RICH},
        {"name": "none", "input_schema": {"type": "object", "properties": {}}},
    ]
    said = [{"role": "user", "content": order([call(NAME, **args), call("none")])}]
    assert calls(await message(rig, said, tools)) == [(NAME, args), ("none", {})]


async def test_rule_44_rule_47_tools_may_come_in_the_input_and_in_namespaces(rig: Rig) -> None:
    inner = [
        {"type": "function", "name": "spawn", "parameters": PATH},
        {"type": "custom", "name": "exec"},
    ]
    given = [
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [
                {"type": "namespace", "name": "ns", "tools": inner},
                {"type": "tool_search", "execution": "client"},
            ],
        },
        {
            "role": "user",
            "content": order([call("ns.spawn", path="a"), call("ns.exec", input="let x = '<1>';")]),
        },
    ]
    made = await ask(rig, RESPONSES.path, input=given)
    spawn, execute = made["output"]
    assert (spawn["type"], spawn["name"], spawn["namespace"]) == ("function_call", "spawn", "ns")
    assert (execute["type"], execute["name"], execute["input"]) == (
        "custom_tool_call",
        "exec",
        "let x = '<1>';",
    )


async def test_rule_37_the_older_functions_and_custom_tools_of_chat(rig: Rig) -> None:
    text = order([call("Read", path="a")], [call("patch", input="*** x")])
    old = await ask(
        rig,
        CHAT.path,
        messages=[{"role": "user", "content": text}],
        functions=[{"name": "Read", "parameters": PATH}],
    )
    choice = old["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert json.loads(choice["message"]["function_call"]["arguments"]) == {"path": "a"}
    said = [
        {"role": "user", "content": text},
        choice["message"],
        {"role": "function", "name": "Read", "content": "x"},
    ]
    new = await ask(
        rig, CHAT.path, messages=said, tools=[{"type": "custom", "custom": {"name": "patch"}}]
    )
    assert new["choices"][0]["message"]["tool_calls"][0]["custom"] == {
        "name": "patch",
        "input": "*** x",
    }


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_rule_47_shells_of_the_vendors_are_the_clients_to_run(rig: Rig, stream: bool) -> None:
    tools = [{"type": "local_shell"}, {"type": "shell", "environment": {"type": "local"}}]
    steps = [
        [call("local_shell", command=["ls", "-l"], timeout_ms=9), call("shell", commands=["pwd"])],
        "Done.",
    ]
    given: list[Any] = [{"role": "user", "content": order(*steps)}]
    body = {"model": "opus-4.6", "input": given, "tools": tools, "stream": stream}
    async with await rig.post(RESPONSES.path, body) as answer:
        read = await answer.read()
    made = list(frames(read))[-1]["response"] if stream else json.loads(read)
    local, shell = made["output"]
    assert local["type"] == "local_shell_call"
    assert local["action"] == {"type": "exec", "command": ["ls", "-l"], "env": {}, "timeout_ms": 9}
    assert (shell["type"], shell["action"]) == ("shell_call", {"commands": ["pwd"]})
    outputs = [
        {"type": "local_shell_call_output", "id": local["call_id"], "output": "a.py"},
        {
            "type": "shell_call_output",
            "call_id": shell["call_id"],
            "output": [{"stdout": "/", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
    ]
    done = await ask(rig, RESPONSES.path, input=[*given, local, shell, *outputs], tools=tools)
    assert done["output"][0]["content"][0]["text"] == "Done."
    told = asked(rig)["transcript"][-1]["value"][0][0]
    assert ' call="1" name="local_shell">\na.py\n</result_' in told
    assert ' call="2" name="shell">\n[{"stdout":"/"' in told


async def test_rule_47_a_shell_call_that_was_cut_does_nothing(rig: Rig) -> None:
    text = order([call("shell", commands=["rm -rf x"])], words="[[sim:clumsy=cut]]")
    made = await ask(rig, RESPONSES.path, input=text, tools=[{"type": "shell"}])
    assert made["status"] == "incomplete"
    assert [item["action"] for item in made["output"]] == [{"commands": []}]
