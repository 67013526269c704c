"""What holds of the parser for every text that a model may write."""

import json
import re
from collections.abc import Iterable

import jiter
from hypothesis import example, given
from hypothesis import strategies as st
from toolkit import MARKS, OFFER, cuts, fed, parser

from notion_manager.bridge.calls import Policy
from notion_manager.bridge.history import Scribe
from notion_manager.turn import Piece, Text, ToolCall, coalesce

CALL = '<call_amber name="Read">\n<arg_amber name="file_path">a.py</arg_amber>\n</call_amber>'
BITS = (
    CALL, '<call_amber name="Write">', '<call_amber name="apply_patch">', '<call_amber name="Set">',
    '<call_amber name="TaskList"/>', "<call_amber", ' name="', "Nope", '">', "/>", ">",
    '<arg_amber name="content">', '<arg_amber name="note">', '<arg_amber name="tags">',
    '<arg_amber name="*">', "<arg_amber", "</arg_amber>", "</arg_amber", "</call_amber>", "</call",
    "<result_amber", "</result_amber>", "null", "nul", "[1]", '{"file_path": "b"}', "{", '"',
    "<tool_call>", "</tool_call>", '{"name": "Read", "arguments": {"file_path": "a"}}',
    '<call name="Read">', '<arg name="file_path">', "</arg>", "</call>", "<call_ambr", "<call",
    "<function_calls>", '<invoke name="Read">', '<parameter name="file_path">', "</parameter>",
    "</invoke>", "</function_calls>", "<function=Read>", "<parameter=file_path>", "</function>",
    '<CALL_AMBER NAME="read">', "<call_amber name=Read/>", '<ARG_AMBER name="content">', "</ARG_AMBER>",
    "</Call_Amber >", "<RESULT_AMBER", '</function> <invoke name="TaskList">', "``", " " * 450,
    "```", "````", "~~~", "`", "```py\n", "\n```\n", "\n", "\n\n", "\r\n", " ", "    ", "\t",
    "\ufeff", "word", "a < b", "\\", "\x00", "é", "🙂", "x" * 120, " " * 150, " " * 310, "\n" * 310, ">",
)  # fmt: skip
soups = st.lists(st.sampled_from(BITS), max_size=30).map("".join)
policies = st.builds(
    Policy,
    parallel=st.booleans(),
    allowed=st.sampled_from([True, True, False]),
    only=st.sampled_from(["", "", "Read"]),
    required=st.booleans(),
    doubtful=st.booleans(),
    checked=st.sampled_from([frozenset[str](), frozenset({"Read", "Set"})]),
)


def outcome(texts: Iterable[str], policy: Policy) -> tuple[list[Piece], bool, object, int]:
    it = parser(policy)
    pieces = fed(it, texts)
    return pieces, it.cut, it.trouble, it.calls


made_calls = st.sampled_from(
    [
        ToolCall("1", "Set", '{"level":1}'),
        ToolCall("1", "Set", '{"tags":["a","b"],"mode":"fast","on":true}'),
        ToolCall("1", "Set", '{"note":"a\\n} b","level":2}'),
        ToolCall("1", "Set", "{}"),
        ToolCall("1", "Bash", '{"command":"ls","timeout":5}'),
        ToolCall("1", "Bash", '{"command":"echo {}"}'),
        ToolCall("1", "Write", '{"file_path":"a","content":"x = {1}\\n"}'),
        ToolCall("1", "TaskList", "{}"),
    ]
)


@given(soups, policies, st.lists(st.integers(0, 400), max_size=8))
def test_any_cut_of_a_text_gives_the_same(text: str, policy: Policy, places: list[int]) -> None:
    whole = outcome([text], policy)
    assert outcome(cuts(text, places), policy) == whole
    assert outcome(list(text), policy) == whole


@given(soups, policies)
def test_each_call_has_an_id_of_its_own_and_one_json_object(text: str, policy: Policy) -> None:
    pieces, cut, _, count = outcome([text], policy)
    calls = [piece for piece in pieces if isinstance(piece, ToolCall)]
    assert len({call.id for call in calls}) == len(calls) == count + cut - hidden(calls, cut, count)
    for call in calls[: len(calls) - cut]:
        if not call.freeform:
            pairs: list[tuple[str, object]] = json.loads(call.arguments, object_pairs_hook=list)
            assert len(dict(pairs)) == len(pairs)


def hidden(calls: list[ToolCall], cut: bool, count: int) -> int:
    """A call that was cut while it was held for a check was never seen."""
    return count + cut - len(calls) if cut and len(calls) == count else 0


@given(soups)
def test_what_came_of_a_call_can_always_become_json(text: str) -> None:
    it, so_far = parser(), dict[str, str]()
    for character in text:
        for piece in it.feed(character):
            if isinstance(piece, ToolCall) and not piece.freeform:
                so_far[piece.id] = so_far.get(piece.id, "") + piece.arguments
                if so_far[piece.id]:
                    jiter.from_json(so_far[piece.id].encode(), partial_mode="trailing-strings")
        if it.stopped:
            break


@given(soups, policies)
def test_only_tools_that_are_offered_and_allowed_are_called(text: str, policy: Policy) -> None:
    pieces, *_ = outcome([text], policy)
    names = {piece.name for piece in pieces if isinstance(piece, ToolCall)}
    allowed = {e.tool.name for e in OFFER.entries} if policy.allowed else set[str]()
    assert names <= (allowed & {policy.only} if policy.only and policy.allowed else allowed)


words = st.text(alphabet="ab \n\t.,>é🙂[]{}\"'/", max_size=200)


@given(words)
@example("\n\n ")
def test_text_without_tags_and_fences_waits_only_with_its_last_blanks(text: str) -> None:
    it, shown = parser(), ""
    for index, character in enumerate(text):
        shown += "".join(p.text for p in it.feed(character) if isinstance(p, Text))
        assert shown == text[: index + 1].rstrip()
    shown += "".join(p.text for p in it.finish() if isinstance(p, Text))
    assert shown == text


ITEM = re.compile(r"((-|\d+\.)[ ]{1,4})*((-|\d+\.?)? *\Z|[`~])")


@given(
    st.lists(
        st.sampled_from(["<", "call", "_am", "ber", "x", " ", "`", "~", "\n", "</", "-", "1", "."]),
        max_size=40,
    )
)
def test_what_is_held_may_still_be_a_tag_or_a_fence(bits: list[str]) -> None:
    text, it, shown = "".join(bits), parser(), ""
    for index, character in enumerate(text):
        shown += "".join(p.text for p in it.feed(character) if isinstance(p, Text))
        held = text[len(shown) : index + 1].strip()
        assert not held or held[0] in "<`~" or ITEM.match(held)
        assert len(held.partition("\n")[0]) < 300


@given(st.lists(made_calls, min_size=1, max_size=4), st.integers(0, 2000), st.booleans())
def test_a_beginning_has_no_other_calls_than_the_whole(
    made: list[ToolCall], place: int, by_itself: bool
) -> None:
    """A call that broke off is never closed. Where a text ends by itself, its end may be missing."""
    (written,) = Scribe(MARKS, OFFER).said(made)
    assert isinstance(written, Text)
    whole = calls_of([written.text], by_itself=True)
    begun = calls_of([written.text[: place % len(written.text)]], by_itself=by_itself)
    for index, call in enumerate(begun):
        if is_whole(call):
            all_given = list(json.loads(whole[index].arguments).items())
            given_here = list(json.loads(call.arguments).items())
            assert given_here == all_given[: len(given_here) if by_itself else None]
        else:
            assert call is begun[-1]
            assert whole[index].arguments.startswith(call.arguments)


def calls_of(texts: list[str], *, by_itself: bool) -> list[ToolCall]:
    it = parser()
    pieces = [piece for text in texts for piece in it.feed(text)]
    pieces += it.finish(by_itself=by_itself)
    return [piece for piece in coalesce(pieces) if isinstance(piece, ToolCall)]


def is_whole(call: ToolCall) -> bool:
    try:
        return isinstance(json.loads(call.arguments), dict)
    except ValueError:
        return False


@given(soups)
def test_without_calls_nothing_is_lost(text: str) -> None:
    pieces, cut, trouble, count = outcome([text], Policy())
    if not (cut or trouble or count or "<result_amber" in text):
        assert "".join(p.text for p in pieces if isinstance(p, Text)) == text
