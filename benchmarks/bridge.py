"""The tool bridge in one process, without a network: reading calls, and writing a turn as text.

Run it by itself after a change to the bridge; `run.py` shows it too.
"""

import inspect
import json
import time
from argparse import ArgumentParser

from figure import Figure, table, times

from notion_manager.bridge import lower
from notion_manager.bridge.calls import Policy
from notion_manager.bridge.marks import Marks
from notion_manager.bridge.offer import Offer
from notion_manager.bridge.parser import Parser
from notion_manager.turn import Message, Text, Tool, ToolCall, ToolResult, Turn

TITLE = "the tool bridge"
STREAM = 400_000  # characters: a fifth prose, the rest the argument of one call
HISTORY = 200_000
TOOLS = 30
TEXT = {"type": "string"}
PIECES = {4: 3.0, 16: 0.0, 64: 30.0, 1024: 80.0}
"""Characters of a piece, and the megabytes a second that are wanted."""

CODE = inspect.getsource(json) + inspect.getsource(ArgumentParser)
PROSE = "I will write this file now: `x < y`.\n\n- first one thing\n- then another\n\n"


def _tools(number: int) -> tuple[Tool, ...]:
    keys = {
        f"parameter_{n}": {**TEXT, "description": "What it is for, in a line."} for n in range(5)
    }
    schema = {"type": "object", "properties": keys, "required": list(keys)[:2]}
    return tuple(Tool(f"tool_{n}", "What it does.\n" * 40, schema) for n in range(number))


def _repeat(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


def _call(size: int) -> str:
    head = '<call_amber name="tool_0">\n<arg_amber name="parameter_0">'
    return f"{head}{_repeat(CODE, size)}</arg_amber>\n</call_amber>"


def _read(text: str, size: int) -> float:
    """Seconds to read a text in pieces."""
    parser = Parser(Marks("amber"), Offer(_tools(TOOLS)), Policy(), str)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    began = time.perf_counter()
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    return time.perf_counter() - began


def _turn() -> Turn:
    messages = [Message("user", (Text("Please do it."),))]
    while sum(len(repr(m)) for m in messages) < HISTORY:
        arguments = json.dumps({"parameter_0": "a.py", "parameter_1": CODE[:900]})
        call = ToolCall(f"t{len(messages)}", "tool_0", arguments)
        messages.append(Message("assistant", (Text("Next."), call)))
        messages.append(Message("user", (ToolResult(call.id, (Text(CODE[:3000]),)),)))
    return Turn("m", tuple(messages), system="You help.\n" * 300, tools=_tools(TOOLS))


def _reading() -> list[Figure]:
    text = _repeat(PROSE, STREAM // 5) + "\n" + _call(STREAM * 4 // 5)
    found: list[Figure] = []
    for size, goal in PIECES.items():
        middle, worst = times(lambda size=size: _read(text, size))
        rates = (len(text) / middle / 1e6, len(text) / worst / 1e6)
        wanted = f"at least {goal:.0f}" if goal else ""
        found.append(Figure(f"calls read, {size} characters per piece, MB/s", *rates, wanted))
    small, big = (times(lambda n=n: _read(_call(n), 16))[0] / n for n in (250_000, 1_000_000))
    found.append(
        Figure(
            "an argument of 1 MB over one of 250 kB, per character",
            big / small,
            big / small,
            "at most 1.1",
        )
    )
    return found


def _lowering() -> list[Figure]:
    def timed() -> float:
        began = time.perf_counter()
        lower(turn)
        return (time.perf_counter() - began) * 1e3

    turn = _turn()
    first = timed()
    middle, worst = times(timed)
    label = f"a turn of {TOOLS} tools and {HISTORY // 1000} kB written"
    return [
        Figure(f"{label}, the first time, ms", first, first, "at most 15"),
        Figure(f"{label}, again, ms", middle, worst, "at most 5"),
    ]


def figures() -> list[Figure]:
    return [*_reading(), *_lowering()]


if __name__ == "__main__":
    print(table(TITLE, figures()))
