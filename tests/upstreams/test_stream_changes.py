"""Text that shrinks, is rewritten, comes late or comes twice."""

from typing import Any

import pytest
from notion_lines import (
    BEGUN,
    CALL,
    CONTENT,
    FINISHED,
    GUESS,
    chat,
    decoder,
    encode,
    entry,
    final,
    growing,
    inference,
    patch,
    record_map,
    reply,
    start,
    sync,
    text,
    told,
    tool,
)

from notion_manager.errors import UpstreamBroken
from notion_manager.turn import APART, Done, Event, Stop, Text, Thinking, Usage
from notion_manager.upstreams.notion_web.stream import Decoder

# Text that does not simply grow


A_LONG_LINE = "The river was crossed by ferry until the bridge came"


def changed(before: str, *after: str) -> tuple[str, str, bool]:
    """What is told live, what the reply finally is, and whether that needed a correction."""
    lines = growing(("x", CONTENT, before), *(("a", CONTENT, whole) for whole in after))
    done = reply(*lines).done
    return text(*lines), final(*lines), done.truth is not None


@pytest.mark.parametrize(
    ("before", "after", "live", "corrected"),
    [
        ("Hello", ["Hello"], "Hello", False),
        ("Hello there", ["Hello", "Hello the", "Hello there, all"], "Hello there, all", False),
        ("Hello there", ["Hello", "Hello there"], "Hello there", False),
        ("Hello [^{{https://a.te", ["Hello [^https://b.test/]!"], "Hello [1]!", False),
        ("See[^https://b.test/] it", ["See[^{{https://b.test/}}] it all"], "See [1] it all", False),
        ("Hello", ["Howdy"], "Hello\n\nHowdy", True),
        ("One\nTwo\nTree", ["One\nTwo\nThree\nFour"], "One\nTwo\nTree\n\nThree\nFour", True),
        (A_LONG_LINE, [f"Once, {A_LONG_LINE}, that is"], f"{A_LONG_LINE}, that is", True),
        ("Hello there", ["Hello", "Hello you"], "Hello there\n\nHello you", True),
        ("<thinking>ab</thinking>Hi", ["<thinking>ab</thinking> Hi"], "Hi\n\n Hi", True),
    ],
)
def test_a_rewritten_text_is_neither_repeated_nor_lost(
    before: str, after: list[str], live: str, corrected: bool
) -> None:
    told_live, finally_, truth = changed(before, *after)
    sources = "\n\n---\nSources:\n[1] https://b.test/" if "[^" in before else ""
    assert (told_live, truth) == (live + sources, corrected)
    assert finally_.removesuffix(sources) == (after[-1].split(">")[-1] if corrected else live)


def test_a_text_that_fell_back_may_grow_again_in_pieces() -> None:
    ops = [("x", CONTENT, "Hello there"), ("a", CONTENT, "Hel"), ("x", CONTENT, "lo th")]
    assert text(*growing(*ops, ("x", CONTENT, "ere, all"))) == "Hello there, all"
    assert text(*growing(*ops, ("x", CONTENT, "em"))) == "Hello there\n\nHello them"
    assert final(*growing(*ops, ("x", CONTENT, "em"))) == "Hello them"
    assert final(*growing(*ops)) == "Hello th"


def test_a_failed_attempt_that_is_begun_anew_goes_on_where_it_can() -> None:
    reset = [("a", "/s/0/previousAttemptValues/-", [entry("I was")]), ("a", "/s/0/value", [])]
    again = [("a", "/s/0/value/-", entry("I w")), ("x", CONTENT, "as here")]
    lines = growing(("x", CONTENT, "I was"), *reset, *again)
    assert told(*lines) == [Text("I was here"), Done(Stop.END, GUESS)]


def test_a_new_start_takes_up_the_steps_it_takes_back() -> None:
    lines = [start(), patch(("a", "/s/-", inference(entry("Hel")))), start()]
    assert text(*lines, patch(("a", "/s/-", inference(entry("Hello"), finishedAt=1)))) == "Hello"


def test_a_step_or_an_entry_that_is_taken_back_is_not_in_the_reply() -> None:
    gone = growing(
        ("x", CONTENT, "Oops"), ("a", "/s/0/value/-", entry("Yes")), ("r", "/s/0/value/0")
    )
    assert (text(*gone), final(*gone)) == ("Oops\n\nYes", "Yes")
    other = inference(entry("Yes"), id="i2", finishedAt=1)
    for lines in (
        [*BEGUN, patch(("x", CONTENT, "Oops"), ("a", "/s/0", other))],
        [*BEGUN, patch(("x", CONTENT, "Oops")), sync(other)],
    ):
        assert (text(*lines), final(*lines)) == ("Oops\n\nYes", "Yes")


def test_an_entry_may_change_its_kind() -> None:
    lines = growing(
        ("x", CONTENT, "Hm"),
        ("a", "/s/0/value/0", entry("Hm", "thinking")),
        ("a", "/s/0/value/-", entry("Yes")),
    )
    assert reply(*lines).parts == (Thinking("Hm"), Text("Yes"))
    lost = growing(
        ("a", "/s/0/value", [entry("x")]),
        ("a", "/s/0/value", []),
        ("a", "/s/0/value/-", CALL),
        ("a", "/s/0/value/-", entry("Yes")),
        ("a", "/s/0/finishedAt", 1),
        ("a", "/s/-", tool()),
    )
    assert final(*lost, record_map()) == "Yes"


def test_what_only_the_last_snapshot_holds_is_told() -> None:
    one, two = inference(entry("One", "thinking"), entry("Two")), inference(entry("Three"), id="i2")
    assert told(start(), sync(one, two)) == [
        Thinking("One"),
        Text("Two\n\nThree"),
        Done(Stop.END, GUESS),
    ]
    lines = [start(), patch(("a", "/s/-", two)), sync(one, two)]
    assert (text(*lines), final(*lines)) == ("Three\n\nTwo", "Two\n\nThree")


def test_a_step_that_is_removed_may_return() -> None:
    lines = [*BEGUN, patch(("x", CONTENT, "Hel"), ("r", "/s/0"))]
    assert text(*lines, patch(("a", "/s/-", inference(entry("Hello"), finishedAt=1)))) == "Hello"
    other = patch(("a", "/s/-", {"id": "i1", "type": "markdown-chat", "value": "Yes"}))
    assert final(*lines, other, record_map()) == "Yes"
    nameless = [start(inference(entry("Oops"), id="")), patch(("r", "/s/0"))]
    assert final(*nameless, sync(inference(entry("Yes"), id="", finishedAt=1))) == "Yes"


def test_a_step_shown_without_its_entries_keeps_them() -> None:
    facts = {"type": "agent-inference", "id": "i1", "finishedAt": 1}
    assert final(inference(entry("Hello")), facts) == "Hello"


def test_steps_without_ids_are_known_by_their_place() -> None:
    nameless = inference(entry("Hel"), id="")
    assert text(start(nameless), sync(inference(entry("Hello"), id="", finishedAt=1))) == "Hello"


def test_text_that_grows_out_of_turn_is_told_and_put_in_order_at_the_end() -> None:
    ops = [("x", CONTENT, "One"), ("a", "/s/0/value/-", entry("Two")), ("x", CONTENT, " more")]
    assert text(*growing(*ops)) == "One\n\nTwo\n\n more"
    assert final(*growing(*ops)) == "One more\n\nTwo"


def test_what_is_held_is_told_before_the_next_entry_or_the_end() -> None:
    lines = growing(("x", CONTENT, "["), ("a", "/s/0/value/-", entry("b <")))
    assert told(*lines) == [Text("[\n\nb <"), Done(Stop.END, GUESS)]


def test_a_mark_that_was_let_go_and_then_completed_is_a_mark_in_the_reply() -> None:
    call = ("a", "/s/0/value/-", entry("", "image"))
    lines = growing(("x", CONTENT, "Hi[^https://a"), call, ("x", CONTENT, ".test/]"))
    assert text(*lines) == "Hi[^https://a.test/]"
    assert final(*lines).startswith("Hi [1]\n")


def test_a_title_in_mid_text_breaks_no_mark() -> None:
    title = ("a", "/s/-", {"id": "t", "type": "title", "value": "T"})
    lines = growing(("x", CONTENT, "Hi[^https://a"), title, ("x", CONTENT, ".test/]"))
    assert text(*lines).startswith("Hi [1]\n")


def test_entries_are_parted_by_one_blank_line() -> None:
    lines = growing(
        ("x", CONTENT, "One\n"),
        ("a", "/s/0/value/-", entry("Two\n\n")),
        ("a", "/s/0/value/-", entry("Three")),
    )
    assert text(*lines) == "One\n\nTwo\n\nThree"


def test_results_that_come_after_their_citation_correct_the_reply() -> None:
    found = {
        "type": "agent-search-extracted-results",
        "toolCallId": "toolu_1",
        "results": [{"url": "https://a.test/"}],
    }
    lines = [*growing(("x", CONTENT, "Hi[^toolu_1]")), found]
    assert text(*lines) == "Hi"
    assert final(*lines) == "Hi [1]\n\n---\nSources:\n[1] https://a.test/"


def test_a_snapshot_tells_of_results_before_the_text_that_cites_them() -> None:
    result = {"structuredContent": {"results": [{"url": "https://a.test/"}]}}
    answer = inference(entry("Hi[^toolu_1]"), finishedAt=1)
    assert text(start(), sync(answer, tool(result=result))).startswith("Hi [1]")


# Thinking


def thinking(*ops: Any) -> list[Event]:
    begun = patch(("a", "/s/-", inference(entry("Hm", "thinking"))))
    answer = ("a", "/s/0/value/-", entry("Yes"))
    return told(start(), begun, patch(*ops), patch(answer), patch(FINISHED))[:-1]


def test_a_signature_ends_the_thinking_it_stands_in() -> None:
    signature = "/s/0/value/0/signature"
    more = ("a", "/s/0/value/-", entry("Oh", "thinking"))
    assert thinking(("a", signature, "c2ln")) == [Thinking("Hm", "c2ln"), Text("Yes")]
    assert thinking(("x", signature, "c2ln")) == [Thinking("Hm", "c2ln"), Text("Yes")]
    assert thinking(("a", signature, "c2ln"), more) == [
        Thinking("Hm", "c2ln"),
        Thinking("Oh"),
        Text("Yes"),
    ]
    assert thinking(("x", CONTENT, "!"), more) == [Thinking("Hm!\n\nOh"), Text("Yes")]


def test_thinking_may_be_nothing_but_a_signature() -> None:
    lines = [inference(entry("", "thinking", signature="c2ln"), entry("Yes"), finishedAt=1)]
    assert told(*lines)[:-1] == [Thinking("", "c2ln"), Text("Yes")]


def test_thinking_or_a_signature_that_comes_too_late_is_in_the_reply() -> None:
    signed = entry("Hm", "thinking", signature="c2ln")
    late = [
        inference(entry("Hm", "thinking"), entry("Yes")),
        inference(signed, entry("Yes"), finishedAt=1),
    ]
    assert told(*late)[:-1] == [Thinking("Hm"), Text("Yes")]
    assert reply(*late).parts == (Thinking("Hm", "c2ln"), Text("Yes"))
    grown = entry("Hmm", "thinking", signature="c2ln")
    later = [inference(signed), inference(grown, entry("Yes"), finishedAt=1)]
    assert told(*later)[:-1] == [Thinking("Hm", "c2ln"), Thinking("m"), Text("Yes")]
    assert reply(*later).parts == (Thinking("Hmm", "c2ln"), Text("Yes"))


def test_a_thought_written_into_the_text_is_thinking() -> None:
    raw = "<thinking>Hm</thinking>\n\nYes"
    lines = [inference(entry(raw[:9])), inference(entry(raw), finishedAt=1)]
    assert told(*lines)[:-1] == [Thinking("Hm"), Text("Yes")]


# Whole steps, and old kinds of chat


def test_a_final_line_may_come_twice_and_counts_once() -> None:
    last = inference(entry("Hello"), finishedAt=1, inputTokens=5, outputTokens=2)
    assert told(inference(entry("Hel")), last, last) == [Text("Hello"), Done(Stop.END, Usage(5, 2))]


def test_a_line_of_another_kind_is_another_step() -> None:
    lines = [
        {"type": "markdown-chat", "id": "", "value": "Hel"},
        inference(entry("lo"), id="", finishedAt=1),
    ]
    assert text(*lines) == "Hel\n\nlo"


@pytest.mark.parametrize(
    ("values", "type", "expected"),
    [
        (["Hello", " there"], "markdown-chat", "Hello there"),
        (["Hello", "Hello there"], "markdown-chat", "Hello there"),
        (["Hello", "Hello"], "markdown-chat", "Hello"),
        (["-", "-", "--|"], "researcher-report", "--|"),
    ],
)
def test_old_chats_repeat_a_delta_or_the_whole(values: list[str], type: str, expected: str) -> None:
    assert text(*(chat(value, type) for value in values), record_map()) == expected


def test_an_old_chat_inside_a_patch_stream() -> None:
    ops = [
        ("a", "/s/-", chat("Hel")),
        ("x", "/s/0/value", "l"),
        ("a", "/s/0/value", "Hello"),
        ("a", "/s/0/mood", 1),
        ("x", "/s/0/mood", ""),
    ]
    saved = record_map(messages=[{"id": "c1", "step": chat("Hello.", id="")}])
    assert text(start(), patch(*ops), record_map()) == "Hello"
    assert text(start(), patch(*ops), sync(chat("Hello!"))) == "Hello!"
    named = {"id": "c1", "step": {"type": "markdown-chat", "value": "Hello."}}
    assert text(start(), patch(*ops), record_map(messages=[named])) == "Hello."
    assert text(start(), patch(*ops), saved) == "Hello"
    emptied = [start(), patch(*ops, ("r", "/s/0/value")), start(), sync(chat("Hello"))]
    assert told(*emptied) == [Text("Hello"), Done(Stop.END, GUESS)]


def test_research_ends_with_its_last_word() -> None:
    plan = {"type": "researcher-next-steps", "id": "p", "output": [entry("Hm", "thinking")]}
    assert told(plan, chat("Found", "researcher-report")) == [
        Thinking("Hm"),
        Text("Found"),
        Done(Stop.END, GUESS),
    ]


def test_research_whose_last_line_is_not_all_there_was_cut_short() -> None:
    report = encode(chat("Found", "researcher-report"))
    for rest, whole in ((report, True), (report[:-1], True), (b" ", True), (report[:-9], False)):
        decoding = decoder()
        decoding.feed(report + rest)
        if whole:
            assert decoding.finish()
            continue
        with pytest.raises(UpstreamBroken, match="cut short"):
            decoding.finish()


def decoded(decoder: Decoder, *lines: Any) -> list[Event]:
    return [event for line in lines for event in decoder.feed(encode(line))]


def test_an_uncited_answer_names_no_source() -> None:
    result = {"structuredContent": {"results": [{"url": "https://a.test/"}]}}
    answer = inference(entry("[1, 2][^toolu_1]"), finishedAt=1)
    uncited = Decoder(lambda _: GUESS, citations="none")
    events = [*decoded(uncited, start(), sync(answer, tool(result=result))), *uncited.finish()]
    assert "".join(e.text for e in events if isinstance(e, Text)) == "[1, 2]"


def test_where_data_is_expected_another_step_is_told_from_more_of_the_same() -> None:
    lines = (start(), sync(inference(entry("One"), finishedAt=1), inference(entry("Two"), id="i2")))
    assert [e for e in decoded(Decoder(lambda _: GUESS, "call_x"), *lines) if e == APART] == [APART]
    assert APART not in decoded(decoder(), *lines)
