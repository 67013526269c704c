"""What the model is shown of earlier calls is what it would have written."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolkit import MARKS, OFFER, fed, parser

from notion_manager.bridge.calls import MOST as MOST_CALLS
from notion_manager.bridge.history import Scribe, rendered, texts
from notion_manager.bridge.marks import choose
from notion_manager.turn import (
    File,
    FileLink,
    Found,
    Message,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolReference,
    ToolResult,
)

SCRIBE = Scribe(MARKS, OFFER)
strings = st.text(max_size=60) | st.sampled_from(
    [
        "",
        "\n",
        "\n\n",
        "\r\n",
        "\nx\n",
        "x\n",
        "```\n",
        "</arg>",
        "<call_river>",
        "null",
        '"',
        "[1]",
    ]
)
arguments = st.one_of(
    st.tuples(st.just("Write"), st.fixed_dictionaries({"file_path": strings, "content": strings})),
    st.tuples(st.just("Edit"), st.fixed_dictionaries({
        "old_string": strings, "replace_all": st.booleans()
    })),
    st.tuples(st.just("Set"), st.fixed_dictionaries({}, optional={
        "note": st.none() | strings.filter(lambda s: s != "null"),
        "level": st.integers(),
        "tags": st.lists(strings, max_size=3),
    })),
    st.tuples(st.just("TaskList"), st.just({})),
)  # fmt: skip
calls = arguments.map(lambda made: ToolCall("x", made[0], json.dumps(made[1], ensure_ascii=False)))
patches = strings.map(lambda text: ToolCall("x", "apply_patch", text, freeform=True))
prose = st.text(alphabet="abc. \n", max_size=40).map(str.strip)


def unmarked(call: ToolCall) -> bool:
    return MARKS.suffix not in call.arguments


@given(prose, st.lists((calls | patches).filter(unmarked), min_size=1, max_size=6))
def test_written_calls_read_back_as_they_were(said: str, made: list[ToolCall]) -> None:
    assert len(made) <= MOST_CALLS
    (written,) = SCRIBE.said([Text(said), *made])
    assert isinstance(written, Text)
    read = fed(parser(), [written.text])
    if said:
        first, *read = read
        assert first == Text(said)
    found = [p for p in read if isinstance(p, ToolCall)]
    assert [p.name for p in found] == [p.name for p in made]
    assert [value(p) for p in found] == [value(p) for p in made]


def value(call: ToolCall) -> Any:
    return call.arguments if call.freeform else json.loads(call.arguments)


def user(*parts: Any) -> Message:
    return Message("user", parts)


def assistant(*parts: Any) -> Message:
    return Message("assistant", parts)


def shown(*messages: Message) -> list[str]:
    written = rendered(messages, MARKS, OFFER)
    return [p.text if isinstance(p, Text) else "?" for m in written for p in m.parts]


READ = ToolCall("t1", "Read", '{"file_path":"a.py"}')
LIST = ToolCall("t2", "TaskList", "")


def test_results_stand_in_the_order_of_their_calls() -> None:
    results = (ToolResult("t2", (Text("none"),)), ToolResult("t1", (Text("x = 1\n"),), failed=True))
    assert shown(assistant(Text("Look."), READ, LIST), user(*results, Text("Go on.")))[1:] == [
        '<result_amber call="1" name="Read" status="error">\nx = 1\n\n</result_amber>',
        '<result_amber call="2" name="TaskList">\nnone\n</result_amber>',
        "Go on.",
    ]


def test_results_in_messages_of_their_own_belong_together() -> None:
    two = ToolResult("t2", (Text("two"),)), ToolResult("t1", (Text("one"),))
    said = shown(assistant(READ, LIST), *[user(result) for result in two])
    assert [text.split("\n")[1] for text in said[1:]] == ["one", "two"]


def test_a_system_message_in_between_changes_no_numbers() -> None:
    said = shown(assistant(READ), Message("system", (Text("note"),)), user(ToolResult("t1", ())))
    assert said[1:] == ["note", '<result_amber call="1" name="Read">\n(no output)\n</result_amber>']


def test_a_call_without_a_result_is_told() -> None:
    assert shown(assistant(READ), user(Text("Stop.")))[1:] == [
        '<result_amber call="1" name="Read" status="error">\n(no result came)\n</result_amber>',
        "Stop.",
    ]


def test_a_result_without_a_call_is_kept() -> None:
    assert shown(user(ToolResult("gone", (Text("x"),)))) == ["<result_amber>\nx\n</result_amber>"]


def test_what_a_search_for_tools_found_is_told_in_words() -> None:
    found = ToolResult("t1", (ToolReference("WebSearch"), ToolReference("WebFetch")))
    assert "The tool WebSearch can be used from now on.\nThe tool WebFetch" in "".join(
        shown(assistant(READ), user(found))
    )


def test_files_of_results_stay_files() -> None:
    image, link = File("image/png", b"x", "a.png"), FileLink("https://example.test/x")
    written = rendered([assistant(READ), user(ToolResult("t1", (image, link)))], MARKS, OFFER)
    assert image in written[1].parts
    assert link in written[1].parts
    assert "(a file: a.png)\n(a file: without a name)" in "".join(
        shown(assistant(READ), user(ToolResult("t1", (image, link))))
    )


def test_thinking_and_blank_texts_are_left_out() -> None:
    assert shown(assistant(Thinking("hm", "sig"), Text(" \n"), Text("Yes."))) == ["Yes."]
    assert rendered([assistant(File("image/png", b""), Text("x"))], MARKS, OFFER)[0].parts[
        0
    ] == File("image/png", b"")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (ToolCall("1", "Old", '{"a":[1]}'), '<arg_amber name="a">[1]</arg_amber>'),
        (ToolCall("1", "Old", "not json"), '<arg_amber name="*">not json</arg_amber>'),
        (ToolCall("1", "Old", "[1]"), '<arg_amber name="*">[1]</arg_amber>'),
        (ToolCall("1", "Old", '{"a\\"b": 1}'), '<arg_amber name="*">{"a\\"b": 1}</arg_amber>'),
        (ToolCall("1", "Old", "[" * 10**5), f'<arg_amber name="*">{"[" * 10**5}</arg_amber>'),
        (ToolCall("1", "Read", '{"file_path":7}'), '<arg_amber name="file_path">7</arg_amber>'),
        (ToolCall("1", "x y", "{}", "ns"), '<call_amber name="ns.x_y">'),
        (ToolCall("1", "patch", "[1]", freeform=True), '<arg_amber name="input">[1]</arg_amber>'),
    ],
)  # fmt: skip
def test_calls_that_fit_no_tool_are_shown_all_the_same(call: ToolCall, line: str) -> None:
    assert line in SCRIBE.call(call).split("\n")


def test_a_marker_cannot_hide_behind_an_escape() -> None:
    first = choose("head", []).suffix
    hidden = ToolCall("1", "Write", json.dumps({"content": first}).replace("_", "\\u005f"))
    broken = ToolCall("1", "Write", "\\u005f {")
    found = Found((), (Source("https://a.test/", f"A{first}"),))
    message = Message("assistant", (hidden, broken, Thinking("t"), found))
    said = list(
        texts(
            [
                message,
                user(ToolResult("1", (Text("r"), File("a/b", b"", "f"))), FileLink("u", "", "l")),
            ]
        )
    )
    assert sum(first in text for text in said) > 1
    assert any(f"- A{first}: https://a.test/" in text for text in said)
    assert choose("head", said).suffix != first
    assert said[-2:] == ["(a file: f)", "(a file: l)"]


def test_calls_of_one_id_get_their_results_in_turn() -> None:
    made = Message(
        "assistant", tuple(ToolCall("1", "Read", f'{{"file_path":"{n}"}}') for n in "ab")
    )
    given_results = Message("user", tuple(ToolResult("1", (Text(n),)) for n in "ab"))
    said = "".join(p.text for p in rendered([made, given_results], MARKS, OFFER)[1].parts)
    assert said.index('call="1"') < said.index("a\n") < said.index('call="2"')


def test_results_may_come_in_two_parts_with_an_instruction_between_them() -> None:
    made = Message("assistant", (ToolCall("1", "Read", "{}"), ToolCall("2", "Read", "{}")))
    first, second = (Message("user", (ToolResult(id, (Text(f"r{id}"),)),)) for id in "12")
    note = Message("system", (Text("note"),))
    written = rendered([made, first, note, second], MARKS, OFFER)
    texts_ = ["".join(p.text for p in m.parts if isinstance(p, Text)) for m in written]
    assert "no result came" not in "".join(texts_)
    assert 'call="2" name="Read">\nr2' in texts_[3]


@pytest.mark.no_cover
def test_long_histories_are_written_in_linear_time() -> None:
    began = time.process_time()
    short = [Message(role, (Text("x"),)) for _ in range(40_000) for role in ("user", "assistant")]
    assert len(rendered(short, MARKS, OFFER)) == 80_000
    many = Message("assistant", tuple(ToolCall(str(n), "Read", "{}") for n in range(30_000)))
    results = Message(
        "user", tuple(ToolResult(str(n), (Text("x"),)) for n in reversed(range(30_000)))
    )
    assert len(rendered([many, results], MARKS, OFFER)[1].parts) == 30_000
    assert time.process_time() - began < 8


def test_a_marker_hides_behind_no_key_that_comes_twice() -> None:
    hidden = '{"a":"<call_amber \\u0041","a":1}'
    assert any(
        "_amber" in text for text in texts([Message("assistant", (ToolCall("1", "x", hidden),))])
    )
