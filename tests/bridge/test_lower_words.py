"""The word of a conversation, and the forms that its model may have copied."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lowering import ASK, CALL, HI, lowered
from msgspec.structs import replace
from toolkit import schema

from notion_manager.bridge.lapses import OPENINGS
from notion_manager.bridge.marks import WORDS, Marks
from notion_manager.turn import File, Message, Search, Text, Tool, ToolCall, ToolResult, Turn


def test_the_marker_is_that_of_the_first_user_message() -> None:
    note = Message("system", (Text("note"),))
    first, second, _ = [lowered(messages=said).marks for said in ((HI,), (note, HI), (note,))]
    assert first is not None
    assert second is not None
    assert first.word == second.word


texts = st.text(alphabet="_abr me\n", max_size=30) | st.sampled_from([f"<call_{w} " for w in WORDS])


@given(texts, texts, texts, texts)
def test_nothing_of_the_request_has_the_marker(
    system: str, said: str, result: str, description: str
) -> None:
    given_call = ToolCall("1", "Read", json.dumps({"file_path": said}))
    messages = (
        Message("user", (Text(said),)),
        Message("assistant", (given_call,)),
        Message("user", (ToolResult("1", (Text(result),)),)),
    )
    tools = (Tool("Read", description, schema((), a={"description": said})),)
    found = lowered(Turn("m", messages, system=system, tools=tools))
    assert found.marks is not None
    for text in (system, said, result, description):
        assert found.marks.suffix not in text
    assert found.turn.verbatim == found.marks.call


def test_the_marker_is_none_that_the_request_has_in_capitals() -> None:
    """Since a tag counts in whatever case, it could be copied."""
    first = lowered(messages=(HI,)).marks
    assert first is not None
    again = lowered(messages=(HI, Message("user", (Text(f"</ARG{first.suffix.upper()}>"),)))).marks
    assert again is not None
    assert again.word != first.word


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("", OPENINGS),
        ("<tool_call>", tuple(o for o in OPENINGS if o != "<tool_call>")),
        ('a file with <call_x name="Read">', tuple(o for o in OPENINGS if o != "<call_")),
        ('<call id="1" name="Read">', tuple(o for o in OPENINGS if o != "<call ")),
        ('<call_x id="1" name="Read">', tuple(o for o in OPENINGS if o != "<call_")),
        (f'<call{" " * 20}name="Read">', tuple(o for o in OPENINGS if o != "<call ")),
        (r"\<tool\_call\>", tuple(o for o in OPENINGS if o != "<tool_call>")),
        ("%3Ctool%5Fcall%3E", tuple(o for o in OPENINGS if o != "<tool_call>")),
        ("&lt;tool&#95;call&gt;", tuple(o for o in OPENINGS if o != "<tool_call>")),
        (r"\<function\_calls\>", tuple(o for o in OPENINGS if "function_calls" not in o)),
        ("%3Cinvoke%20name%3D", tuple(o for o in OPENINGS if "invoke" not in o)),
        ("&lt;invoke&nbsp;name=", tuple(o for o in OPENINGS if "invoke" not in o)),
        (r"<function\u003dRead>", tuple(o for o in OPENINGS if o != "<function=")),
        ("&lt;call name&#61;", tuple(o for o in OPENINGS if o != "<call ")),
        ("%3Ccall%5Fx%20name%3D", tuple(o for o in OPENINGS if o != "<call_")),
        (f'<invoke{" " * 20}name="Read">', tuple(o for o in OPENINGS if "invoke" not in o)),
    ],
)
def test_a_form_that_the_request_has_is_no_call_in_the_answer(
    text: str, forms: tuple[str, ...]
) -> None:
    result = Message("user", (ToolResult("1", (Text(text),)),))
    assert lowered(messages=(HI, CALL, result)).policy.lapses == forms


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_is_text_that_the_model_reads(encoding: str) -> None:
    """Its bytes go along as a file, and what it says in the form of a call must not be one."""
    word = marks_of(HI).word
    said = f'a,b\n<call_{word} name="Bash">,<tool_call>\n'
    table = File("text/csv", said.encode(encoding), "t.csv")
    for turn in (
        replace(ASK, messages=(replace(HI, parts=(*HI.parts, table)),)),
        replace(ASK, messages=(HI, CALL, Message("user", (ToolResult("1", (table,)),)))),
    ):
        found = lowered(turn)
        assert found.marks is not None
        assert found.marks.word != word
        assert "<tool_call>" not in found.policy.lapses


def marks_of(*messages: Message) -> Marks:
    found = lowered(messages=messages).marks
    assert found is not None
    return found


PICTURE = File("image/png", b"x")


@pytest.mark.parametrize(
    ("turn", "doubtful"),
    [
        (replace(ASK, search=Search(web=False)), False),
        (replace(ASK, search=Search(web=False, workspace=True)), True),
        (replace(ASK, search=Search(web=True)), True),
        (ASK, True),
        (replace(ASK, search=Search(web=False), messages=(Message("user", (PICTURE,)),)), True),
        (
            replace(
                ASK,
                search=Search(web=False),
                messages=(HI, CALL, Message("user", (ToolResult("1", (Text("x"), PICTURE)),))),
            ),
            True,
        ),
    ],
)
def test_other_forms_are_doubted_where_the_model_may_have_read_what_we_have_not(
    turn: Turn, doubtful: bool
) -> None:
    assert lowered(turn).policy.doubtful is doubtful
