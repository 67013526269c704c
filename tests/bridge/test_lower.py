"""What a turn becomes that asks for more than text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from test_values import anything, schemas
from toolkit import TOOLS, schema

from notion_manager.bridge import Lowered, lower
from notion_manager.bridge.corrections import correction, surrender
from notion_manager.bridge.faults import Fault, Trouble
from notion_manager.bridge.lapses import OPENINGS
from notion_manager.bridge.marks import WORDS, Marks
from notion_manager.bridge.offer import Offer
from notion_manager.bridge.prompt import FAR, NONE_NOW
from notion_manager.bridge.references import References
from notion_manager.bridge.shapes import Shape
from notion_manager.bridge.validation import BadSchema, Parts, Validator
from notion_manager.errors import BadRequest
from notion_manager.turn import (
    File,
    FreeformTool,
    JsonOutput,
    Limits,
    Message,
    Search,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

HI = Message("user", (Text("hi"),))
ASK = Turn("m", (HI,), system="You help.", tools=TOOLS)
CALL = Message("assistant", (ToolCall("1", "Read", '{"file_path":"a"}'),))
RESULT = Message("user", (ToolResult("1", (Text("x = 1"),)),))


def lowered(turn: Turn = ASK, **more: Any) -> Lowered:
    found = lower(replace(turn, **more))
    assert found is not None
    return found


def last(turn: Turn) -> str:
    return "\n".join(part.text for part in turn.messages[-1].parts if isinstance(part, Text))


def test_a_turn_of_plain_text_needs_nothing() -> None:
    assert lower(Turn("m", (HI,), system="You help.")) is None


def test_the_callers_instructions_come_first_and_word_for_word() -> None:
    system = "  You help.\n\n# Tools\n<call_x>\n"
    assert lowered(system=system).turn.system.startswith(
        f"{system}\n\n## Tools\n\nThis conversation"
    )


def test_every_tool_is_offered_however_many() -> None:
    many = tuple(
        Tool(f"tool_{n}", f"Does {n}.\n\n## Notes\n", schema((), a={})) for n in range(300)
    )
    said = lowered(tools=many).turn.system
    for tool in many:
        assert f"### {tool.name}\n\n{tool.description}\n\n{tool.name} {{\n  a?: any\n}}" in said


def test_free_text_says_how_it_is_put_and_by_which_grammar() -> None:
    patch = FreeformTool("apply_patch", "Patches.", "lark", "start: line+")
    said = lowered(tools=(patch, FreeformTool("run", ""))).turn.system
    assert (
        "### apply_patch\n\nPatches.\n\nIts input follows this lark grammar:\n\nstart: line+\n\n"
        in said
    )
    assert (
        "### run\n\nrun takes free text: put the whole input in one argument named `input`." in said
    )


def test_what_comes_before_the_last_message_stays_the_same_while_a_conversation_grows() -> None:
    turns = [
        lowered(messages=messages).turn
        for messages in ((HI,), (HI, CALL, RESULT), (HI, CALL, RESULT, CALL, RESULT))
    ]
    assert len({turn.system for turn in turns}) == 1
    assert turns[1].messages == turns[2].messages[:3]


def test_the_marker_is_that_of_the_first_user_message() -> None:
    note = Message("system", (Text("note"),))
    first, second, _ = [lowered(messages=said).marks for said in ((HI,), (note, HI), (note,))]
    assert first is not None
    assert second is not None
    assert first.word == second.word


def test_a_choice_is_told_at_the_end_so_that_the_beginning_stays() -> None:
    free = lowered().turn
    must = lowered(tool_choice=ToolChoice("required")).turn
    named = lowered(tool_choice=ToolChoice("required", "spawn", parallel=False)).turn
    assert free.system == must.system == named.system
    assert last(free) == "hi"
    assert last(must) == "hi\nThe next message must contain at least one call block."
    assert "a call to agents.spawn.\nWrite at most one call block per message." in last(named)


def test_far_from_its_description_the_form_is_told_again() -> None:
    assert "(Tool calls in this conversation use <call_" not in last(lowered().turn)
    assert "(Tool calls in this conversation use <call_" in last(lowered(system="x" * FAR).turn)


def test_the_end_of_a_conversation_that_is_an_instruction_is_followed_by_what_must_be_said() -> (
    None
):
    note = Message("system", (Text("note"),))
    must = lowered(messages=(HI, note), tool_choice=ToolChoice("required")).turn
    assert [message.role for message in must.messages] == ["user", "system", "user"]
    answered = lowered(messages=(HI, CALL), tool_choice=ToolChoice("required")).turn
    assert answered.messages[-1].role == "assistant"
    empty = lowered(messages=(), tool_choice=ToolChoice("required"))
    assert empty.turn.messages == ()


@pytest.mark.parametrize("more", [{"tools": ()}, {"tool_choice": ToolChoice("none")}])
def test_earlier_calls_without_tools_now_are_explained(more: dict[str, Any]) -> None:
    found = lowered(messages=(HI, CALL, RESULT), **more)
    assert found.turn.system == f"You help.\n\n{NONE_NOW}"
    assert not found.policy.allowed
    assert "<call_" in repr(found.turn.messages[1])


def test_a_document_is_asked_for_at_the_end() -> None:
    output = JsonOutput(schema(("age",), age={"type": "integer"}))
    found = lowered(Turn("m", (HI,)), output=output)
    assert last(found.turn).startswith(
        "hi\nAnswer with one JSON value of this type:\n\n{\n  age: int\n}"
    )
    assert found.turn.output is None
    anything = lowered(Turn("m", (HI,)), output=JsonOutput())
    assert "{[key: string]: any}" in last(anything.turn)


def test_limits_alone_change_nothing_that_is_said() -> None:
    found = lowered(Turn("m", (HI,)), limits=Limits(9))
    assert found.only_limited
    assert found.turn == Turn("m", (HI,))


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


@pytest.mark.parametrize(
    "turn",
    [
        Turn("m", (HI,), tools=(Tool("T", "", {"type": 7}, strict=True),)),
        Turn("m", (HI,), output=JsonOutput({"$ref": "http://127.0.0.1:9/x"})),
    ],
)
def test_a_schema_that_cannot_be_checked_is_refused_where_it_must_be(turn: Turn) -> None:
    with pytest.raises(BadRequest, match="is not valid"):
        lower(turn)


def test_a_schema_that_need_not_be_checked_may_be_anything() -> None:
    assert lowered(tools=(Tool("T", "", {"type": 7}),)).policy.checked == frozenset()


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_words_for_the_model(fault: Fault) -> None:
    said = correction(Trouble(fault, "Read", ("value: no",)), Offer(TOOLS), Marks("amber"))
    assert "last message" in said or fault is Fault.FORBIDDEN
    assert isinstance(surrender(Trouble(fault, "Read")), str)


def test_a_correction_names_what_is_needed() -> None:
    offer, marks = Offer(TOOLS), Marks("amber")
    assert "a call to Read is needed" in correction(Trouble(Fault.MISSING, "Read"), offer, marks)
    assert "at least one call is needed" in correction(Trouble(Fault.MISSING), offer, marks)
    invalid = correction(Trouble(Fault.INVALID, "Read", ("limit: x" * 99,)), offer, marks)
    assert "Read {\n  file_path: string\n  limit?: int\n}" in invalid
    assert len(invalid) < 600
    assert "Its parameters" not in correction(Trouble(Fault.INVALID, "apply_patch"), offer, marks)


def test_patterns_that_look_ahead_are_checked_too() -> None:
    ahead = Validator({"type": "string", "pattern": "^(?=.*a)b"})
    assert ahead.errors("ba") == ()
    assert ahead.errors("bc") != ()
    with pytest.raises(BadSchema, match="regex"):
        Validator({"pattern": "("})
    long = Validator({"enum": ["x" * 999]}).errors("y")
    assert len(long[0]) < 260


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("date", "2024-02-29", "29 February"),
        ("date-time", "2024-02-29T10:00:00", "2024-02-29"),
        ("date-time", "2024-02-29t10:00:00.5z", "2024-02-30T10:00:00Z"),
        ("time", "10:00:00+02:00", "ten"),
        ("time", "10:00", "25:00"),
        ("duration", "P1DT2H", "a day"),
        ("email", "a@b.test", "a at b"),
        ("uuid", "00000000-0000-4000-8000-000000000000", "none"),
        ("ipv4", "127.0.0.1", "127.0.0"),
    ],
)
def test_a_format_that_is_asked_for_is_kept(form: str, right: str, wrong: str) -> None:
    validator = Validator({"properties": {"a": {"type": "string", "format": form}}})
    assert validator.errors({"a": right}) == ()
    (told,) = validator.errors({"a": wrong})
    assert told == f'a: "{wrong}" is not a "{form}"'


@pytest.mark.parametrize("form", ["uri", "regex", "int32", "of-nobody"])
def test_a_format_that_people_write_freely_is_not_checked(form: str) -> None:
    assert Validator({"type": "string", "format": form}).errors("exämple.test/(") == ()


def test_what_is_too_deep_is_no_value() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert Validator({"type": "string"}).errors(deep) != ()
    part = Parts({}).validator({"type": "string"})
    assert part is not None
    assert part.allows(deep) is False


def test_a_reference_leads_where_it_says_or_nowhere() -> None:
    named = {"$anchor": "name", "$id": "part", "$defs": {"x": 3}}
    root = {"a": [{"b/c": {"~": 1}}, named], "a b": 2}
    found = References(root).found
    assert found("#/a/0/b~1c/~0") == 1
    assert found("#/a%20b") == 2
    assert found("#") == root
    assert found("#name") == found("part") == named
    assert found("part#/$defs/x") == 3
    for nowhere in ("#/a/7", "#/a/x", "#/z", "http://x.test/#/a", "#other", "#/a/99999999999"):
        assert found(nowhere) == {}


def test_a_shape_knows_lists_and_free_text() -> None:
    listed = Shape({"anyOf": [{"const": 1}, {"enum": [2]}, {"type": "string"}]}, {})
    assert listed.listed is None
    assert Shape({"anyOf": [{"const": 1}, {"enum": ["a"]}]}, {}).listed == ("a",)
    nested: Any = {"type": "string"}
    for _ in range(30):
        nested = {"type": "array", "items": nested}
    assert Shape(nested, nested).free_text
    for other, free in ({"type": "integer"}, False), ({"type": "string"}, True):
        closed = {"type": "object", "additionalProperties": other}
        assert Shape(closed, closed).free_text is free


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


said_texts = st.builds(Text, st.text(max_size=9))
json_texts = st.text(max_size=20) | anything.map(json.dumps)
calls = st.builds(
    ToolCall,
    st.sampled_from("123"),
    st.text(max_size=9),
    json_texts,
    st.sampled_from(["", "ns"]),
    st.booleans(),
)
results = st.builds(
    ToolResult, st.sampled_from("1234"), st.lists(said_texts, max_size=2).map(tuple), st.booleans()
)


def of(role: str, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    return st.builds(Message, st.just(role), st.lists(parts, max_size=4).map(tuple))


messages = st.lists(
    of("user", said_texts | results)
    | of("assistant", said_texts | calls)
    | of("system", said_texts),
    max_size=6,
).map(tuple)
tools = st.lists(
    st.builds(Tool, st.text(min_size=1, max_size=9), st.text(max_size=9), schemas), max_size=3
).map(tuple)


@given(
    messages,
    tools,
    st.sampled_from([ToolChoice(), ToolChoice("none"), ToolChoice("required", "x")]),
)
def test_whatever_a_client_sends_becomes_text(said: Any, offered: Any, choice: ToolChoice) -> None:
    if choice.name and offered:
        offered = (Tool("x", "", {}), *offered)
    found = lower(Turn("m", said, tools=offered, tool_choice=choice))
    if found is not None:
        for message in found.turn.messages:
            assert all(isinstance(part, Text) for part in message.parts)
        assert found.marks is not None
        assert not found.turn.tools


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


def test_a_schema_that_is_none_is_refused_by_its_place() -> None:
    output = JsonOutput({"type": 7}, path="text.format.schema")
    with pytest.raises(BadRequest, match=r"^text\.format\.schema: the schema of the output"):
        lower(Turn("m", (HI,), output=output))
