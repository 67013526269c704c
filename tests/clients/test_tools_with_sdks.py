"""Tools through the official SDKs, streamed and not, over all three APIs and the simulator's wire.

A model follows the tools' description in its prompt, and does what the user's message says.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic.lib.tools._beta_builtin_memory_tool import BetaAsyncLocalFilesystemMemoryTool

from notion_manager.simulator.agent import MISTAKES
from tests.rig import KEY, Rig, rigged

PATCH = '*** Begin Patch\n*** Update File: a.py\n-x = "1"\n+x = "<2>"\n*** End Patch'
SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "limit": {"type": "integer"},
        "all": {"type": "boolean"},
    },
    "required": ["path"],
    "additionalProperties": False,
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
NOTE = {"type": "object", "properties": {"todos": {"type": "array", "items": {"type": "string"}}}}
READ = {"path": 'a "b"\n</arg> \\n <é🙂>.py', "limit": 3, "all": True}
TODO = {"todos": ["one", "two"]}
STEPS: Sequence[Any] = (
    {
        "say": "Let me look.",
        "calls": [{"tool": "read_file", "args": READ}, {"tool": "note", "args": TODO}],
    },
    [{"tool": "read_file", "args": {"path": "{{result:1}}"}}],
    "All done.",
)
Called = list[tuple[str, Any]]
Loop = Callable[[Rig, str, bool], Awaitable[tuple[list[Called], str]]]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


def order(steps: Sequence[Any] = STEPS, words: str = "") -> str:
    return f"Do it. {words}[[sim:work]] {json.dumps(steps)}"


async def messages(rig: Rig, text: str, stream: bool) -> tuple[list[Called], str]:
    """Works until no tool is called; every call, and what was said at the end."""
    tools = [
        {"name": "read_file", "description": "Reads.", "input_schema": SCHEMA},
        {"name": "note", "input_schema": NOTE},
    ]
    said: list[Any] = [{"role": "user", "content": text}]
    turns: list[Called] = []
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        while True:
            ask: dict[str, Any] = {
                "model": "opus-4.6",
                "max_tokens": 9000,
                "messages": said,
                "tools": tools,
            }
            if stream:
                async with client.messages.stream(**ask) as events:
                    made = await events.get_final_message()
            else:
                made = await client.messages.create(**ask)
            calls = [b for b in made.content if b.type == "tool_use"]
            assert made.stop_reason == ("tool_use" if calls else "end_turn")
            if not calls:
                return turns, "".join(b.text for b in made.content if b.type == "text")
            turns.append([(b.name, b.input) for b in calls])
            said.append(
                {
                    "role": "assistant",
                    "content": [b.model_dump(exclude_none=True) for b in made.content],
                }
            )
            said.append(
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": b.id, "content": f"out of {b.name}"}
                        for b in reversed(calls)
                    ],
                }
            )


async def chat(rig: Rig, text: str, stream: bool) -> tuple[list[Called], str]:
    tools = [
        {
            "type": "function",
            "function": {"name": "read_file", "description": "Reads.", "parameters": SCHEMA},
        },
        {"type": "function", "function": {"name": "note", "parameters": NOTE}},
    ]
    said: list[Any] = [{"role": "user", "content": text}]
    turns: list[Called] = []
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        while True:
            ask: dict[str, Any] = {"model": "opus-4.6", "messages": said, "tools": tools}
            if stream:
                async with client.chat.completions.stream(**ask) as events:
                    made = await events.get_final_completion()
            else:
                made = await client.chat.completions.create(**ask)
            choice = made.choices[0]
            calls = choice.message.tool_calls or []
            assert choice.finish_reason == ("tool_calls" if calls else "stop")
            if not calls:
                return turns, choice.message.content or ""
            turns.append([(c.function.name, json.loads(c.function.arguments)) for c in calls])
            said.append(choice.message.to_dict())
            said += [
                {"role": "tool", "tool_call_id": c.id, "content": f"out of {c.function.name}"}
                for c in calls
            ]


async def responses(rig: Rig, text: str, stream: bool) -> tuple[list[Called], str]:
    tools = [
        {
            "type": "function",
            "name": "read_file",
            "description": "Reads.",
            "parameters": SCHEMA,
            "strict": False,
        },
        {"type": "function", "name": "note", "parameters": NOTE, "strict": False},
    ]
    given: list[Any] = [{"role": "user", "content": text}]
    turns: list[Called] = []
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        while True:
            ask: dict[str, Any] = {
                "model": "opus-4.6",
                "input": given,
                "tools": tools,
                "store": False,
            }
            if stream:
                async with client.responses.stream(**ask) as events:
                    made = await events.get_final_response()
            else:
                made = await client.responses.create(**ask)
            calls = [item for item in made.output if item.type == "function_call"]
            if not calls:
                return turns, made.output_text
            turns.append([(c.name, json.loads(c.arguments)) for c in calls])
            given += [item.to_dict() for item in made.output]
            given += [
                {"type": "function_call_output", "call_id": c.call_id, "output": f"out of {c.name}"}
                for c in calls
            ]


LOOPS = pytest.mark.parametrize("loop", [messages, chat, responses])
STREAMED = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


@LOOPS
@STREAMED
async def test_rule_29_rule_39_rule_59_rule_60_a_loop_of_calls_and_results(
    rig: Rig, loop: Loop, stream: bool
) -> None:
    turns, said = await loop(rig, order(), stream)
    assert turns == [
        [("read_file", READ), ("note", TODO)],
        [("read_file", {"path": "out of read_file"})],
    ]
    assert said == "All done."


FORGIVEN = sorted(
    set(MISTAKES) - {"unclosed-fence", "dropped-required", "cut", "unknown-tool", "python-literals"}
)


@LOOPS
@pytest.mark.parametrize("mistake", [*FORGIVEN, "unknown-tool", "unclosed-fence"])
async def test_a_models_slip_costs_no_call(rig: Rig, loop: Loop, mistake: str) -> None:
    """What can only mean one thing is understood; else the model is asked again, once."""
    calls = [{"tool": "read_file", "args": {"path": "a.py", "limit": 3}}]
    turns, said = await loop(rig, order([calls, "Done."], f"[[sim:clumsy={mistake}]]"), True)
    assert (turns, said) == ([[("read_file", {"path": "a.py", "limit": 3})]], "Done.")


@LOOPS
async def test_python_for_json_is_understood(rig: Rig, loop: Loop) -> None:
    calls = [
        {"tool": "note", "args": TODO},
        {"tool": "read_file", "args": {"path": "a", "all": False}},
    ]
    turns, _ = await loop(rig, order([calls, "Done."], "[[sim:clumsy=python-literals]]"), True)
    assert turns == [[("note", TODO), ("read_file", {"path": "a", "all": False})]]


@LOOPS
@pytest.mark.parametrize(
    "words",
    [
        "",
        "[[sim:lang=split]]",
        "[[sim:chunks=byte]]",
        "[[sim:rewrite]]",
        "[[sim:inline]]",
    ],
)
async def test_calls_survive_the_quirks_of_the_wire(rig: Rig, loop: Loop, words: str) -> None:
    turns, said = await loop(rig, order(words=words), True)
    assert turns[0] == [("read_file", READ), ("note", TODO)]
    assert said == "All done."


@LOOPS
@pytest.mark.parametrize("seed", range(6))
async def test_a_call_of_which_the_wire_lost_a_part_is_never_run(
    tmp_path: Path, loop: Loop, seed: int
) -> None:
    """What the service holds in the end tells: whole answers have it, streams heal or fail."""
    text = order(words="[[sim:lost-patches]]")
    right = [[("read_file", READ), ("note", TODO)], [("read_file", {"path": "out of read_file"})]]
    async with rigged(tmp_path, seed=seed) as rig:
        assert (await loop(rig, text, False))[0] == right
        with contextlib.suppress(openai.APIError, anthropic.APIError):
            assert (await loop(rig, text, True))[0] == right


async def test_rule_29_a_truncated_call_is_not_completed(rig: Rig) -> None:
    calls = [{"tool": "read_file", "args": {"path": "a/very/long/path.py"}}]
    tools = [{"name": "read_file", "input_schema": SCHEMA}]
    text = order([calls], "[[sim:clumsy=cut]]")
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        made = await client.messages.create(
            model="opus-4.6",
            max_tokens=900,
            tools=tools,
            messages=[{"role": "user", "content": text}],
        )
    assert (made.stop_reason, made.content) == ("max_tokens", [])


async def test_rule_48_free_text_and_namespaces_in_responses(rig: Rig) -> None:
    tools = [
        {
            "type": "custom",
            "name": "apply_patch",
            "description": "Patches.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
        },
        {
            "type": "namespace",
            "name": "agents",
            "description": "",
            "tools": [
                {
                    "type": "function",
                    "name": "spawn",
                    "parameters": {"type": "object", "properties": {"prompt": {"type": "string"}}},
                }
            ],
        },
        {"type": "web_search"},
    ]
    steps = [
        [
            {"tool": "apply_patch", "args": {"input": PATCH}},
            {"tool": "agents.spawn", "args": {"prompt": "go"}},
        ],
        "Done.",
    ]
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:
        given: list[Any] = [{"role": "user", "content": order(steps)}]
        stream = await client.responses.create(
            model="opus-4.6", input=given, tools=tools, stream=True
        )
        events = [event async for event in stream]
        made = events[-1].response
        patch, spawn = made.output
        assert (patch.type, patch.name, patch.input) == ("custom_tool_call", "apply_patch", PATCH)
        assert (spawn.name, spawn.namespace, json.loads(spawn.arguments)) == (
            "spawn",
            "agents",
            {"prompt": "go"},
        )
        deltas = [e.delta for e in events if e.type == "response.custom_tool_call_input.delta"]
        assert "".join(deltas) == PATCH
        given += [patch.to_dict(), spawn.to_dict()]
        given += [
            {"type": "custom_tool_call_output", "call_id": patch.call_id, "output": "ok"},
            {"type": "function_call_output", "call_id": spawn.call_id, "output": "started"},
        ]
        done = await client.responses.create(model="opus-4.6", input=given, tools=tools)
    assert done.output_text == "Done."


async def test_rule_37_every_choice_of_tool(rig: Rig) -> None:
    tool = {"type": "function", "function": {"name": "read_file", "parameters": SCHEMA}}
    calls = [{"tool": "read_file", "args": {"path": "a"}}]
    named = {"type": "function", "function": {"name": "read_file"}}
    async with openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=KEY, max_retries=0) as client:

        async def ask(steps: Sequence[Any], **more: Any) -> Any:
            said = [{"role": "user", "content": order(steps)}]
            made = await client.chat.completions.create(
                model="opus-4.6", messages=said, tools=[tool], **more
            )
            return made.choices[0]

        assert (await ask([calls], tool_choice="required")).finish_reason == "tool_calls"
        assert (await ask(["No.", calls], tool_choice=named)).finish_reason == "tool_calls"
        assert (await ask([[*calls, *calls]], parallel_tool_calls=False)).message.tool_calls[
            1:
        ] == []
        assert (
            await ask([calls, "In words."], tool_choice="none")
        ).message.content == "I have no tool called read_file."
        with pytest.raises(openai.InternalServerError, match="no call where one is required"):
            await ask(["No.", "No."], tool_choice="required")


async def test_rule_25_rule_26_stop_sequences_and_limits(rig: Rig) -> None:
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:

        async def ask(**more: Any) -> Any:
            said = [{"role": "user", "content": "[[sim:echo=one two STOP three four]]"}]
            return await client.messages.create(
                model="opus-4.6", messages=said, **{"max_tokens": 500, **more}
            )

        stopped = await ask(stop_sequences=["STOP", "zzz"])
        assert (stopped.content[0].text, stopped.stop_reason, stopped.stop_sequence) == (
            "one two ",
            "stop_sequence",
            "STOP",
        )
        cut = await ask(max_tokens=2)
        assert (cut.content[0].text, cut.stop_reason) == ("one two", "max_tokens")
        assert (await ask()).stop_reason == "end_turn"


async def test_rule_22_the_vendors_own_memory_and_shell_run_in_its_sdks_runner(
    rig: Rig, tmp_path: Path
) -> None:
    """The SDK sends nothing but the tools' names, and runs what is called."""
    memory = BetaAsyncLocalFilesystemMemoryTool(str(tmp_path))
    args = {"command": "create", "path": "/memories/a.txt", "file_text": 'one "1"\n'}
    steps = (
        [{"tool": "memory", "args": args}],
        [{"tool": "memory", "args": {"command": "view", "path": "/memories/a.txt"}}],
        "Noted.",
    )
    async with anthropic.AsyncAnthropic(base_url=rig.url, api_key=KEY, max_retries=0) as client:
        runner = client.beta.messages.tool_runner(
            model="opus-4.6",
            max_tokens=9000,
            tools=[memory],
            messages=[{"role": "user", "content": order(steps)}],
        )
        said = [message async for message in runner]
        assert said[-1].content[0].text == "Noted."
        assert (tmp_path / "memories" / "a.txt").read_text() == 'one "1"\n'
        shell = await client.messages.create(
            model="opus-4.6",
            max_tokens=9000,
            tools=[{"type": "bash_20250124", "name": "bash"}],
            messages=[
                {
                    "role": "user",
                    "content": order([[{"tool": "bash", "args": {"command": "ls"}}]]),
                }
            ],
        )
        assert (shell.content[0].name, shell.content[0].input) == ("bash", {"command": "ls"})
