"""Answers that need a second look, case by case."""

import pytest
from lifting import ASK, GOOD, READ, answer, calls, in_its_words
from msgspec.structs import replace
from test_lift_laws import HI, marked
from toolkit import TOOLS, schema

from notion_manager.bridge import Lift, lower
from notion_manager.errors import BadRequest, Unformed
from notion_manager.turn import (
    APART,
    Done,
    JsonOutput,
    Limits,
    Message,
    Search,
    Source,
    Stop,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    coalesce,
)

NOBODY = '<call_amber name="Nobody">\n<arg_amber name="x">1</arg_amber>\n</call_amber>\n'
WRONG = '<call_amber name="Read">\n<arg_amber name="limit">many</arg_amber>\n</call_amber>\n'
STRICT = tuple(replace(tool, strict=True) if isinstance(tool, Tool) else tool for tool in TOOLS)
SHELL = Tool(
    "sh", "", schema(("command",), command={"type": "array", "items": {"type": "string"}}),
    strict=True,
)  # fmt: skip


def test_a_good_call_is_an_answer_whatever_else_is_wrong() -> None:
    must = replace(ASK, tool_choice=ToolChoice("required"))
    found = answer(must, GOOD + NOBODY, "That is all.")
    assert found.problem is None
    assert calls(found) == [("Read", READ)]
    one = replace(ASK, tools=STRICT, tool_choice=ToolChoice(parallel=False))
    assert answer(one, WRONG + GOOD).pieces == [ToolCall("0", "Read", READ)]
    assert answer(must, NOBODY, "No.").problem is Unformed


def test_a_call_is_not_made_again_that_was_made_before() -> None:
    found = answer(ASK, GOOD + NOBODY, GOOD + GOOD.replace("a.py", "b.py"))
    assert calls(found) == [("Read", READ), ("Read", READ.replace("a.py", "b.py"))]


OTHER = GOOD.replace("a.py", "b.py")


def corrected(text: str) -> Done:
    """The service says in the end what its answer was after all."""
    return Done(Stop.END, truth=(Text(text),))


@pytest.mark.parametrize(
    ("streamed", "truth"),
    [("Hi.", "Hi.\n" + GOOD + NOBODY), (NOBODY, GOOD + NOBODY), (GOOD + NOBODY, GOOD + NOBODY)],
)
def test_a_call_is_made_once_that_came_with_a_correction(streamed: str, truth: str) -> None:
    found = answer(ASK, [Text(streamed), corrected(truth)], GOOD + OTHER)
    assert found.again
    assert calls(found) == [("Read", READ), ("Read", READ.replace("a.py", "b.py"))]


def test_the_model_is_told_of_the_words_that_count() -> None:
    lowered = lower(ASK)
    assert lowered is not None
    lift = Lift(lowered, len, str)
    lift.feed([Text("Hi."), in_its_words(corrected("Hi.\n" + NOBODY), lowered)])
    lift.finish()
    again = lift.retry()
    assert again is not None
    assert again.messages[-2].parts == (Text(marked("Hi.\n" + NOBODY, lowered)),)


CUT = Done(Stop.LENGTH)
BASH = '<call_amber name="Bash">\n<arg_amber name="command">ls</arg_amber>\n</call_amber>\n'
HALF = '<call_amber name="Write">\n<arg_amber name="content">half a fi'


def test_a_call_that_broke_off_was_not_made_before() -> None:
    turn = replace(ASK, tools=tuple(replace(t, strict=t.name == "Read") for t in ASK.tools[:4]))
    begun = GOOD.removesuffix("</call_amber>\n")
    found = answer(turn, [Text(BASH + begun), CUT], GOOD)
    assert calls(found) == [("Bash", '{"command":"ls"}'), ("Read", READ)]


@pytest.mark.parametrize(
    "again",
    [
        '<tool_call>\n{"name": "Read", "arguments": {"file_path": "a.py"}}\n</tool_call>\n',
        '<invoke name="Read">\n<parameter name="file_path">a.py</parameter>\n</invoke>\n',
    ],
)
def test_a_call_in_another_form_is_not_made_again_either(again: str) -> None:
    found = answer(ASK, GOOD + NOBODY, again + OTHER)
    assert calls(found) == [("Read", READ), ("Read", READ.replace("a.py", "b.py"))]


def test_a_call_with_its_arguments_in_another_order_is_the_same() -> None:
    a, b = '<arg_amber name="command">ls</arg_amber>', '<arg_amber name="timeout">5</arg_amber>'
    first, second = (f'<call_amber name="Bash">{x}</call_amber>\n' for x in (a + b, b + a))
    assert len(calls(answer(ASK, first + NOBODY, second))) == 1


def test_a_second_answer_that_is_cut_in_a_call_leaves_it_open() -> None:
    found = answer(ASK, BASH + NOBODY, [Text(HALF), CUT])
    assert calls(found) == [("Bash", '{"command":"ls"}'), ("Write", '{"content":"half a fi')]
    assert found.done is not None
    assert found.done.stop is Stop.LENGTH


def test_a_strict_tool_takes_no_stranger_in_all_arguments_at_once() -> None:
    turn = replace(ASK, tools=STRICT)
    for given in ('{"command":"ls","cwd":"/x"}', '{"command":"ls","Command":"rm"}'):
        block = f'<call_amber name="Bash"><arg_amber name="*">{given}</arg_amber></call_amber>'
        assert (answer(turn, block).again, answer(turn, block).calls) == (True, [])


@pytest.mark.parametrize("blank", ["\n\n", "\n"])
def test_what_parts_two_answers_is_no_stop_sequence(blank: str) -> None:
    """The model never wrote it."""
    turn = replace(ASK, limits=Limits(stop=(blank,)))
    found = answer(turn, "Hi." + NOBODY, "Ok." + GOOD)
    assert (found.text, calls(found)) == ("Hi.\n\nOk.", [("Read", READ)])
    found = answer(turn, "Hi." + NOBODY, "Ok." + NOBODY)
    assert found.text.startswith("Hi.\n\nOk.\n\n(The model called")
    assert found.done is not None
    assert found.done.stop is Stop.END


@pytest.mark.parametrize(
    "cut",
    [GOOD[:-20], GOOD[:40], '<call_amber name="Set">{"mode": "fa', '<call_amber name="Set">\n'],
)
def test_a_call_that_is_held_and_breaks_off_is_asked_for_again(cut: str) -> None:
    found = answer(replace(ASK, tools=STRICT), cut, GOOD)
    assert found.again
    assert calls(found) == [("Read", READ)]
    told = answer(replace(ASK, tools=STRICT), cut, cut)
    assert "broke off before its end" in told.text
    must = replace(ASK, tools=STRICT, tool_choice=ToolChoice("required"))
    assert answer(must, cut, cut).problem is Unformed


def test_a_thought_within_a_call_ends_neither_of_them_well() -> None:
    begun = '<call_amber name="Bash"><arg_amber name="command">ls</arg_amber>'
    rest = '<arg_amber name="timeout">5</arg_amber></call_amber>'
    found = answer(ASK, [Text(begun), Thinking("hm"), Text(rest)])
    assert calls(found) == [("Bash", '{"command":"ls"')]
    assert found.done is not None
    assert found.done.stop is Stop.LENGTH


def test_an_argument_that_a_strict_tool_does_not_have_is_not_just_left_out() -> None:
    unknown = GOOD.replace("</call", '<arg_amber name="colour">red</arg_amber>\n</call')
    assert calls(answer(ASK, unknown)) == [("Read", READ)]
    found = answer(replace(ASK, tools=STRICT), unknown, GOOD)
    assert found.again
    assert calls(found) == [("Read", READ)]


@pytest.mark.parametrize("given", ['["bash","-lc","echo \\"hi\\"",]', '["a","b'])
def test_half_a_list_is_not_a_list_of_one_text(given: str) -> None:
    block = f'<call_amber name="sh"><arg_amber name="command">{given}</arg_amber></call_amber>'
    found = answer(replace(ASK, tools=(SHELL,)), block, block)
    assert found.again
    assert not found.calls


def test_a_call_that_need_not_be_valid_is_made_in_a_second_answer_too() -> None:
    found = answer(ASK, GOOD + NOBODY, WRONG)
    assert calls(found) == [("Read", READ), ("Read", '{"limit":"many"}')]


def test_a_stream_that_lost_a_part_is_read_to_its_end_to_be_healed() -> None:
    lowered = lower(ASK)
    assert lowered is not None
    whole = marked(GOOD + GOOD.replace("a.py", "b.py"), lowered)
    for at in range(0, len(whole) - 12, 3):
        lift = Lift(lowered, len, str)
        sent = lift.feed([Text(whole[:at]), Text(whole[at + 12 :])])
        if lift.over:
            continue
        sent += lift.feed([Done(Stop.END, truth=(Text(whole),))]) + lift.finish()
        made = [(p.name, p.arguments) for p in coalesce(sent) if isinstance(p, ToolCall)]
        assert lift.misled or made == [("Read", READ), ("Read", READ.replace("a.py", "b.py"))]


@pytest.mark.parametrize("place", ["output", "namespace"])
def test_the_word_stands_nowhere_in_what_the_model_sees(place: str) -> None:
    lowered = lower(ASK)
    assert lowered is not None
    assert lowered.marks is not None
    tag = f"x<call_{lowered.marks.word} name='Read'>"
    described = JsonOutput({"type": "object", "description": tag})
    call = Message("assistant", (ToolCall("1", "Read", READ, namespace=tag),))
    turn = {
        "output": replace(ASK, output=described),
        "namespace": replace(ASK, messages=(HI, call, HI)),
    }[place]
    other = lower(turn)
    assert other is not None
    assert other.marks is not None
    assert other.marks.word != lowered.marks.word


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadRequest, match="Nobody is not among the tools"):
        lower(replace(ASK, tool_choice=ToolChoice("required", "Nobody")))
    same = (Tool("Read", "", {}, namespace="far"), Tool("Read", "", {}))
    lowered = lower(replace(ASK, tools=same, tool_choice=ToolChoice("required", "Read")))
    assert lowered is not None
    assert lowered.policy.only == "Read"


def test_depth_is_no_trouble_or_a_clear_one() -> None:
    deep: object = {"type": "string"}
    for _ in range(245):
        deep = {"type": "array", "items": deep}
    assert lower(replace(ASK, tools=(Tool("T", "", schema((), a=deep)),))) is not None
    for _ in range(100_000):
        deep = {"type": "array", "items": deep}
    with pytest.raises(BadRequest, match="nested too deeply"):
        lower(replace(ASK, tools=(Tool("T", "", schema((), a=deep)),)))
    nested = "[" * 983 + "]" * 983
    call = Message("assistant", (ToolCall("1", "Read", f'{{"file_path":{nested}}}'),))
    assert lower(replace(ASK, messages=(HI, call))) is not None


MARKED = Done(Stop.END, bookmark="b")
ONE = ToolChoice(parallel=False)
FORM = '<tool_call>{"name":"TaskList","arguments":{}}</tool_call>'


@pytest.mark.parametrize(
    ("said", "limits", "bookmark"),
    [
        ("Hi.", Limits(), "b"),
        (GOOD, Limits(), "b"),
        (FORM, Limits(), ""),
        ("Hi.\n" + NOBODY, Limits(), ""),
        ('<call_amber name="Write">\n<arg_amber name="content">half', Limits(), ""),
        ("one two three", Limits(max_tokens=3), ""),
        ("one STOP", Limits(stop=("STOP",)), ""),
    ],
)
def test_only_what_the_client_has_all_of_can_be_gone_on_with(
    said: str, limits: Limits, bookmark: str
) -> None:
    found = answer(replace(ASK, limits=limits), [Text(said), MARKED], [Text("Well."), MARKED])
    assert found.done is not None
    assert found.done.bookmark == bookmark


@pytest.mark.parametrize(
    ("said", "bookmark"),
    [
        (GOOD, "b"),
        (f"{GOOD}\nI wait.", "b"),
        (GOOD + OTHER, ""),
        (f"{GOOD}\nAnd: {OTHER}", ""),
        (f"{GOOD}\n{FORM}", ""),
    ],
)
def test_where_one_call_is_allowed_no_other_may_stand_in_what_is_gone_on_with(
    said: str, bookmark: str
) -> None:
    found = answer(replace(ASK, tool_choice=ONE), [Text(said), MARKED])
    assert calls(found) == [("Read", READ)]
    assert found.done is not None
    assert found.done.bookmark == bookmark


@pytest.mark.parametrize("said", [GOOD, FORM, f"{FORM}\nI wait."])
def test_where_one_call_is_allowed_the_figures_are_the_services_own(said: str) -> None:
    lowered = lower(replace(ASK, tool_choice=ONE))
    assert lowered is not None
    lift = Lift(lowered, len, str)
    lift.feed([in_its_words(Text(said), lowered)])
    assert not lift.over
    lift.feed([Done(Stop.END, Usage(7, 3))])
    lift.finish()
    (*_, done) = lift.end()
    assert isinstance(done, Done)
    assert (done.stop, done.usage) == (Stop.TOOL, Usage(7, 3))


DOUBTED = replace(ASK, search=Search())
INVOKED = '<invoke name="%s">\n<parameter name="%s">a</parameter>\n</invoke>\n'
BOTH = INVOKED % ("Read", "file_path") + INVOKED % ("Bash", "command")


@pytest.mark.parametrize(
    "said",
    [
        BOTH,
        f"<function_calls>\n{BOTH}</function_calls>",
    ],
)
def test_two_calls_that_are_doubted_are_both_asked_about(said: str) -> None:
    lowered = lower(DOUBTED)
    assert lowered is not None
    lift = Lift(lowered, len, str)
    assert lift.feed([Text(said), MARKED]) + lift.finish() == []
    again = lift.retry()
    assert again is not None
    asked = "".join(p.text for p in again.messages[-1].parts if isinstance(p, Text))
    assert "a call of Read in another form" in asked
    assert "called as well: Bash." in asked


@pytest.mark.parametrize(
    "limits", [Limits(stop=("Sorry!",)), *(Limits(most) for most in range(8, 16))]
)
def test_nothing_of_an_answer_that_is_taken_back_is_said(limits: Limits) -> None:
    lowered = lower(replace(ASK, limits=limits))
    assert lowered is not None
    lift = Lift(lowered, lambda text: len(text) // 3, str)
    lift.feed([Text(marked(GOOD + NOBODY, lowered)), Done(Stop.END)])
    lift.finish()
    assert lift.retry() is not None
    lift.restart()
    lift.feed([Text("So")])
    lift.take_back()
    (done,) = lift.end()
    assert isinstance(done, Done)


def test_a_call_does_not_go_on_in_another_step_of_the_answer() -> None:
    half, rest = GOOD[:60], GOOD[60:]
    found = answer(ASK, [Text(half), APART, Text(f"\n\n{rest}")])
    assert found.done is not None
    assert found.done.stop is Stop.LENGTH
    whole = answer(ASK, [Text("Look."), APART, Text(f"\n\n{GOOD}")])
    assert [type(piece) for piece in whole.pieces] == [Text, ToolCall]


def test_what_is_said_beside_a_call_keeps_its_sources() -> None:
    """What may become a marker waits behind them: nothing of it is lost."""
    page = Source("https://a.test/")
    events = [Text("So <ca", (page,)), Text("ll it is.\n"), Text(GOOD), Done(Stop.END)]
    found = answer(ASK, events)
    said = [piece for piece in found.pieces if isinstance(piece, Text)]
    assert said == [Text("So", (page,)), Text(" <call it is.")]
    assert calls(found) == [("Read", READ)]
