"""What holds of every answer to every kind of turn, asked once more or not."""

import json
from collections.abc import Sequence

import jsonschema
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from test_parser_laws import BITS, CALL
from toolkit import TOOLS, cuts

from notion_manager.bridge import Lift, Lowered, lower
from notion_manager.errors import Problem, Unformed, UpstreamBroken, WrongDocument
from notion_manager.turn import (
    Done,
    Event,
    FreeformTool,
    JsonOutput,
    Limits,
    Message,
    Piece,
    Search,
    Stop,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
    Usage,
    coalesce,
)

AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
HI = Message("user", (Text("hi"),))
LEFT = (Stop.LENGTH, Stop.SEQUENCE)


def offered(strict: Sequence[bool]) -> tuple[Tool | FreeformTool, ...]:
    pairs = zip(TOOLS, strict, strict=True)
    return tuple(replace(t, strict=held) if isinstance(t, Tool) else t for t, held in pairs)


turns = st.builds(
    Turn,
    model=st.just("m"),
    messages=st.just((HI,)),
    tools=st.lists(st.booleans(), min_size=len(TOOLS), max_size=len(TOOLS)).map(offered),
    tool_choice=st.sampled_from(
        [
            ToolChoice(),
            ToolChoice("none"),
            ToolChoice("required"),
            ToolChoice("required", "Read"),
            ToolChoice(parallel=False),
            ToolChoice("required", parallel=False),
        ]
    ),
    output=st.sampled_from([None, None, None, JsonOutput(), JsonOutput(AGE, strict=True)]),
    limits=st.sampled_from(
        [
            Limits(),
            Limits(),
            Limits(stop=("word",)),
            Limits(20),
            Limits(60, stop=("</arg", "x" * 5)),
        ]
    ),
    search=st.sampled_from([Search(web=False), Search()]),
)
soups = st.lists(
    st.sampled_from([*BITS, CALL, "Let me {check}.\n", '{"age": 3}', '{"age": "x"}', '{"a":1}']),
    max_size=25,
).map("".join)
places = st.lists(st.integers(0, 400), max_size=10)


class Outcome(Struct, frozen=True):
    """`problem` is what it ended with instead of a Done."""

    pieces: Sequence[Piece]
    done: Done | None
    problem: type[Problem] | None
    again: bool

    @property
    def calls(self) -> list[ToolCall]:
        return [piece for piece in self.pieces if isinstance(piece, ToolCall)]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Text))


def answered(
    lowered: Lowered, answers: Sequence[Sequence[Event]], *, together: bool = False
) -> Outcome:
    """The outcome of a first answer, and of a second one where it is asked for.

    The events of each come one by one or all `together`. A Done is theirs, or one is put at the end.
    """
    lift = Lift(lowered, lambda text: len(text) // 3, str)
    events: list[Event] = []
    problem = None

    def read(answer: Sequence[Event]) -> None:
        ended = answer and isinstance(answer[-1], Done)
        whole = [*answer] if ended else [*answer, Done(Stop.END)]
        for batch in [whole] if together else [[event] for event in whole]:
            if not lift.over:
                events.extend(lift.feed(batch))
        events.extend(lift.finish())

    read(answers[0])
    if again := lift.retry() is not None:
        lift.restart()
        read(answers[1])
    try:
        events += lift.end()
    except Problem as exc:
        problem = type(exc)
    if lift.misled:
        problem = UpstreamBroken
    joined = coalesce(events)
    done = next((replace(e, usage=Usage()) for e in joined if isinstance(e, Done)), None)
    return Outcome([e for e in joined if not isinstance(e, Done)], done, problem, again)


def marked(text: str, lowered: Lowered) -> str:
    """The soup with the words of this conversation."""
    word = lowered.marks.word if lowered.marks else "amber"
    return text.replace("_amber", f"_{word}").replace("_ambr", f"_{word[:-1]}")


def check_alike(a: Outcome, b: Outcome) -> None:
    """Pieces make no difference, but for how much was shown when an answer turned out to be none.

    What was still held back then is not shown any more.
    """
    if a.problem is None:
        assert a == b
        return
    assert without_text(a) == without_text(b)
    shown, more = sorted((text_of(a), text_of(b)), key=len)
    assert more.startswith(shown)


def without_text(outcome: Outcome) -> Outcome:
    return replace(outcome, pieces=[p for p in outcome.pieces if not isinstance(p, Text)])


def text_of(outcome: Outcome) -> str:
    return "".join(piece.text for piece in outcome.pieces if isinstance(piece, Text))


@given(turns, st.tuples(soups, soups), st.tuples(places, places))
def test_every_answer_is_what_was_asked_for(
    turn: Turn, said: tuple[str, str], at: tuple[list[int], list[int]]
) -> None:
    lowered = lower(turn)
    assert lowered is not None
    texts = [marked(text, lowered) for text in said]
    pieces = [[Text(t) for t in cuts(text, n)] for text, n in zip(texts, at, strict=True)]
    found = answered(lowered, pieces)
    check_alike(found, answered(lowered, [[Text(text)] for text in texts]))
    check_calls(turn, found)
    check_document(turn, found)
    if found.problem is not None:
        assert found.problem in (Unformed, WrongDocument)
        assert found.again or found.text or turn.output is not None


def dones(truths: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Stop, str | None]]:
    return st.tuples(st.sampled_from([Stop.END, Stop.END, Stop.LENGTH]), st.none() | truths)


@given(turns, st.tuples(soups, soups), dones(soups))
def test_batches_make_no_difference(
    turn: Turn, said: tuple[str, str], end: tuple[Stop, str | None]
) -> None:
    lowered = lower(turn)
    assert lowered is not None
    first, second = (Text(marked(text, lowered)) for text in said)
    truth = None if end[1] is None else (Text(marked(end[1], lowered)),)
    answers = [[first, Done(end[0], truth=truth)], [second]]
    one_by_one = answered(lowered, answers)
    check_alike(one_by_one, answered(lowered, answers, together=True))
    if one_by_one.problem is None:
        check_calls(turn, one_by_one)


@given(turns, st.lists(soups | st.just(Thinking("hm")), max_size=5))
def test_thoughts_in_between_change_nothing_of_that(turn: Turn, said: list[str | Thinking]) -> None:
    lowered = lower(turn)
    assert lowered is not None
    parts = [Text(marked(one, lowered)) if isinstance(one, str) else one for one in said]
    found = answered(lowered, [parts, [Text("Well.")]])
    check_calls(turn, found)
    check_document(turn, found)


def check_calls(turn: Turn, found: Outcome) -> None:
    choice, done = turn.tool_choice, found.done
    tools = {(tool.namespace, tool.name): tool for tool in turn.tools}
    assert len({call.id for call in found.calls}) == len(found.calls)
    for call in found.calls:
        tool = tools[call.namespace, call.name]
        assert choice.mode != "none"
        assert choice.name in ("", call.name)
        is_open = call is found.calls[-1] and (done is None or done.stop in LEFT)
        if isinstance(tool, Tool) and not is_open:
            arguments = json.loads(call.arguments)
            assert isinstance(arguments, dict)
            if tool.strict:
                jsonschema.validate(arguments, tool.schema)
    assert choice.parallel or len(found.calls) <= 1
    if done is not None and done.stop not in LEFT:
        assert (done.stop is Stop.TOOL) == bool(found.calls)
        assert choice.mode != "required" or found.calls


def check_document(turn: Turn, found: Outcome) -> None:
    if found.calls:
        assert found.problem is None
    if turn.output is None or turn.tool_choice.mode == "required":
        return
    if found.calls and not found.text:
        return
    if found.done is not None and found.done.stop not in LEFT:
        document = json.loads(found.text)
        assert isinstance(document, dict)
        if turn.output.schema is not None:
            jsonschema.validate(document, turn.output.schema)


@given(turns, soups)
def test_what_was_sent_stands_before_a_second_answer(turn: Turn, said: str) -> None:
    """No call is asked for again of which a part was sent."""
    lowered = lower(turn)
    assert lowered is not None
    lift = Lift(lowered, len, str)
    sent = lift.feed([Text(marked(said, lowered))]) + lift.finish()
    assume(lift.retry() is not None)
    for call in coalesce(sent):
        if isinstance(call, ToolCall) and not call.freeform:
            json.loads(call.arguments)
