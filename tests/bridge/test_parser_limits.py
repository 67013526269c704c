"""However much a model writes: what is read of it has bounds, and takes its time but once."""

import json
import time
from collections.abc import Callable

import pytest
from toolkit import MARKS, OFFER, fed, parsed, parser, schema

from notion_manager.bridge import lapses
from notion_manager.bridge.call import LONGEST, MOST_ARGUMENTS, Call, escaped
from notion_manager.bridge.calls import MOST as MOST_CALLS
from notion_manager.bridge.calls import Policy
from notion_manager.bridge.offer import Offer
from notion_manager.bridge.parser import Parser
from notion_manager.turn import Piece, Text, Tool, ToolCall

CALL = '<call_amber name="Read">\n<arg_amber name="file_path">a</arg_amber>\n</call_amber>\n'


def test_so_many_calls_and_no_more() -> None:
    assert len(parsed(CALL * (MOST_CALLS + 5))) == MOST_CALLS


@pytest.mark.parametrize("tag", ["arg_amber", "arg", "parameter"])
def test_so_many_arguments_and_no_more(tag: str) -> None:
    free = Offer([Tool("Free", "", {"type": "object"})])
    many = "".join(f'<{tag} name="k{n}">{n}</{tag}>' for n in range(MOST_ARGUMENTS + 9))
    it = Parser(MARKS, free, Policy(), str)
    (call,) = fed(it, [f'<call_amber name="Free">{many}</call_amber>'])
    assert isinstance(call, ToolCall)
    assert it.cut  # with some of them left out it would be another call
    assert len(json.loads(call.arguments + "}")) == MOST_ARGUMENTS


def test_an_argument_that_never_ends_is_left_open() -> None:
    head = '<call_amber name="Write">\n<arg_amber name="content">'
    it = parser()
    pieces = fed(it, [head, *(["x" * 65_536] * (LONGEST // 65_536 + 1)), "y"])
    assert it.cut
    assert it.stopped
    (call,) = pieces
    assert isinstance(call, ToolCall)
    assert not call.arguments.endswith("}")
    it = parser()
    fed(
        it,
        [
            '<call_amber name="Set"><arg_amber name="tags">',
            *(["x" * 65_536] * (LONGEST // 65_536 + 1)),
            "y",
        ],
    )
    assert it.cut


def test_how_long_an_argument_may_be_is_told_to_the_letter() -> None:
    head = '<call_amber name="Write">\n<arg_amber name="content">'
    text = head + "x" * (LONGEST + 5000) + "</arg_amber></call_amber>"
    whole = parsed(text)
    assert fed(parser(), [text[at : at + 9973] for at in range(0, len(text), 9973)]) == whole
    (call,) = whole
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"content":"' + "x" * LONGEST
    it = parser()
    stray = fed(it, ['<call_amber name="Set">' + "x" * (LONGEST + 1) + "</call_amber>"])
    assert (stray, it.cut) == ([ToolCall("call_0", "Set", "{")], True)


def test_what_looks_like_another_form_is_waited_for_no_longer_than_it_can_be() -> None:
    it = parser()
    pieces = fed(
        it,
        ["<tool_call>\n{", *["word\n"] * (lapses.LONGEST // 5 + 9), "<tool_call>", "</tool_call>"],
    )
    assert "".join(p.text for p in pieces if isinstance(p, Text)).startswith("<tool_call>\n{word\n")


def test_a_line_of_blanks_is_not_held_for_ever() -> None:
    it = parser()
    said = fed(it, [*[" " * 50] * 20, "x"])
    assert said == [Text(" " * 1000 + "x")]


def test_a_required_null_that_was_left_out_is_put_in() -> None:
    nullable = schema(("a", "b"), a={"type": "string"}, b={"type": ["string", "null"]})
    offer = Offer([Tool("T", "", nullable)])
    text = '<call_amber name="T"><arg_amber name="a">x</arg_amber></call_amber>'
    (call,) = fed(Parser(MARKS, offer, Policy(), str), [text])
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"a": "x", "b": None}
    whole = '<call_amber name="T"><arg_amber name="*">{"a": "x", "b": "y"}</arg_amber></call_amber>'
    (call,) = fed(Parser(MARKS, offer, Policy(), str), [whole])
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"a":"x","b":"y"}'


def test_strings_of_any_length_are_escaped_alike() -> None:
    for text in ('"\\\n\x00é🙂' * 3, '"\\\n\x00é🙂' * 300, "\ud800" * 500):
        assert json.loads(f'"{escaped(text)}"') == text


def test_a_call_that_is_over_streams_no_more() -> None:
    entry = OFFER.find("Write")
    assert entry is not None
    call = Call(MARKS, entry, OFFER)
    call.close()
    assert call.stream("x") is None
    assert call.take() == "{}"


def test_a_tag_whose_name_goes_on_is_no_tag() -> None:
    for text in ("<call_amber:x>\n", "<call_amber-2 a>\n", "<call_ambers>\n"):
        assert parsed(text) == [Text(text)]


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def by_fours(text: str) -> list[Piece]:
    return fed(parser(), [text[at : at + 4] for at in range(0, len(text), 4)])


MENTION = 'Use <call_amber name="Read">'
BLANKS = " " * 280


@pytest.mark.parametrize(
    "text",
    [
        MENTION + "\n" * 320 + "word " * 20_000,
        MENTION + BLANKS * 400,
        f'<call_amber name="{BLANKS}x"<' * 400,
        f'<call name="{BLANKS}x"<\n' * 400,
        f'<call_amber name="Read"><arg_amber name={BLANKS}x<' * 400,
        "<tool_call>{" + "word\n" * 12_000,
        "\n" * 100_000,
        " " * 100_000,
        ("\n" + " " * 200) * 500,
        "x " + "<call_amber " * 20_000,
        "<" * 100_000,
        "`" * 100_000,
    ],
    ids=lambda text: text[:40],
)
@pytest.mark.no_cover
def test_text_of_all_kinds_is_read_in_linear_time(text: str) -> None:
    """As plain words are; where each look began anew it took hundreds of times as long."""
    plain = "word " * (len(text) // 5)
    by_fours(plain)
    assert seconds(lambda: by_fours(text)) < 30 * seconds(lambda: by_fours(plain)) + 0.1
    assert seconds(lambda: parsed(text)) < 4


@pytest.mark.parametrize(
    ("opening", "filling", "closing"),
    [
        ("<tool_call>\n", "<function=a>", "</tool_call>"),
        ("<tool_call>Read", "<arg_key>", "</tool_call>"),
        ("<tool_call>Read", "<arg_key>a</arg_key>", "</tool_call>"),
        ("<function_calls>\n", '<invoke name="a">', "</function_calls>"),
        ('<invoke name="Read">\n', '<parameter name="a">', "</invoke>"),
    ],
)
@pytest.mark.no_cover
def test_a_block_of_openings_without_ends_is_read_in_linear_time(
    opening: str, filling: str, closing: str
) -> None:
    """As long as plain words of that size; hundreds of times as long if each looked for its end."""

    def work(filling: str) -> float:
        text = opening + filling * ((lapses.LONGEST - 200) // len(filling)) + closing
        return seconds(lambda: parsed(text))

    work("word ")  # loads what is loaded when it is needed
    assert work(filling) < 40 * work("word ") + 0.05
