"""Estimates come from the text, and err high."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager import tokens
from notion_manager.turn import (
    File,
    FileLink,
    FreeformTool,
    JsonOutput,
    Message,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)


def turn(*parts: Part, system: str = "") -> Turn:
    return Turn("m", (Message("user", parts),), system=system)


@pytest.mark.parametrize(
    ("text", "real"), [("", 0), ("hello world", 2), ("The quick brown fox", 4)]
)
def test_the_vocabulary_counts_as_published(text: str, real: int) -> None:
    assert tokens.count(text) == real


@given(st.text(max_size=200))
def test_an_estimate_is_never_below_the_count(text: str) -> None:
    assert tokens.of_turn(turn(Text(text))) >= tokens.count(text)


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_more_text_is_never_fewer_tokens(a: str, b: str) -> None:
    both = turn(Text(a), Text(b))
    assert tokens.of_turn(both) >= tokens.of_turn(turn(Text(a)))


@pytest.mark.parametrize(
    "part",
    [
        Thinking("some thought"),
        ToolCall("1", "read_file", '{"path":"a"}'),
        ToolResult("1", (Text("contents"), ToolReference("grep"))),
        File("image/png", b"x"),
        File("application/pdf", b"x" * 300),
        FileLink("https://example.test/a.png"),
    ],
)
def test_everything_sent_counts(part: Part) -> None:
    assert tokens.of_turn(turn(Text("a"), part)) > tokens.of_turn(turn(Text("a")))


def test_system_tools_and_schemas_count() -> None:
    plain = Turn("m", ())
    assert tokens.of_turn(Turn("m", (), system="be brief")) > tokens.of_turn(plain)
    tools = (Tool("f", "does f", {"type": "object"}), FreeformTool("g", "does g", grammar="x: y"))
    assert tokens.of_turn(Turn("m", (), tools=tools)) > tokens.of_turn(plain)
    shaped = Turn("m", (), output=JsonOutput({"type": "object"}))
    assert tokens.of_turn(shaped) > tokens.of_turn(plain)


def test_an_exchange_without_figures_is_estimated_and_says_so() -> None:
    usage = tokens.of_exchange(turn(Text("hello")), [Text("hello world, how are you today?")])
    assert usage.estimated
    assert usage.input >= 1
    assert usage.output >= 8
