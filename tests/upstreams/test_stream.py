"""What lines of an answer stream come to, one behaviour a test."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from notion_lines import (
    CONTENT,
    FINISHED,
    GUESS,
    IMAGE,
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
    text,
    told,
)

from notion_manager.turn import Done, Piece, Stop, Text, Thinking, Usage
from notion_manager.upstreams.notion_web.stream import Decoder

# Operations


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([("x", CONTENT, "Hel"), ("x", CONTENT, "lo")], "Hello"),
        ([("a", CONTENT, "Hello")], "Hello"),
        ([("a", "/s/0/value/0", entry("Hello"))], "Hello"),
        ([("a", "/s/0/value", [entry("Hello")])], "Hello"),
        ([("a", "/s/0", inference(entry("Hello")))], "Hello"),
        ([("a", "/s/i1", inference(entry("Hello")))], "Hello"),
        ([("a", "/s", [inference(entry("Hello"))])], "Hello"),
        ([("x", "/s/i1/value/0/content", "Hello")], "Hello"),
        ([("a", "/s/0/value/-", entry("Hello"))], "Hello"),
        ([("a", "/s/0/value/9", entry("Hello"))], "Hello"),
        ([("a", "/s/9", inference(entry("Hello"), id="i2", finishedAt=1))], "Hello"),
        ([("x", CONTENT, "Hello"), ("a", CONTENT, "Hello there")], "Hello there"),
        ([("p", CONTENT, "Hel"), ("p", CONTENT, "Hello"), ("p", CONTENT, "!")], "Hello!"),
        ([("a", CONTENT, "<lang pr"), ("p", CONTENT, 'primary="en"/>Hello')], "Hello"),
        ([("a", CONTENT, "<lang pr"), ("p", CONTENT, 'imary="en"/>Hello')], "Hello"),
        ([("x", CONTENT, "Hel"), ("x", CONTENT, 5), ("x", CONTENT, "lo")], "Hello"),
        (
            [("x", CONTENT, "Hi"), ("a", "/s/0/value/-", entry("x", "image")), ("p", IMAGE, "y")],
            "Hi",
        ),
        ([("a", "/s/0/value/-", {"content": "Hel"}), ("a", "/s/0/value/1/type", "text")], "Hel"),
    ],
)
def test_operations_spell_the_text(ops: Any, expected: str) -> None:
    assert text(*growing(*ops)) == final(*growing(*ops)) == expected


@pytest.mark.parametrize(
    ("op", "drift"),
    [
        (("s", "/s/0", {}), "op ? s/*"),
        (("a", "/elsewhere", 1), "op a elsewhere"),
        (("a", "/s/7/value", []), "op a s/*/value"),
        (("a", "/s/0/value/1x", {}), "op a s/*/value/*"),
        (("a", "/s/0/value/4/content", "x"), "op a s/*/value/*/content"),
        (("a", "/s/0/value/0/color", "red"), "op a s/*/value/*/color"),
        (("a", "/s/0/mood", "good"), "op a s/*/mood"),
        (("x", "/s/0/mood", "good"), "op x s/*/mood"),
        (("x", "/s/0/value/5/content", "lost"), "op x s/*/value/*/content"),
        (("x", "", "lost"), "op x"),
        (("r", "/s/0/value/4"), "op r s/*/value/*"),
        (("d", "/s/4"), "op d s/*"),
        (("p", "/s/0/mood", "x"), "op p s/*/mood"),
        (("p", "/s/5/value", "x"), "op p s/*/value"),
    ],
)
def test_unknown_operations_are_counted_by_name_and_have_no_effect(op: Any, drift: str) -> None:
    decoding = decoder()
    events = decoding.feed(encode(*growing(("x", CONTENT, "Hello"), op)))
    assert (events, dict(decoding.drift)) == ([Text("Hello")], {drift: 1})


@pytest.mark.parametrize(
    "op",
    [
        ("a", "/s/0/recordVersions", {}),
        ("x", "/s/0/recordVersions", "1"),
        ("a", "/s/0/value/0/modelProvider", "anthropic"),
        ("a", "/s/0/value/0/type", "text"),
        ("a", CONTENT + "/~0~1", 1),
        ("r", "/s/0/startedAt"),
        ("a", "/s/1/anything", 1),
        ("x", "/s/1/value", "more title"),
        ("r", "/s/1/value"),
    ],
)
def test_what_no_answer_needs_is_no_drift(op: Any) -> None:
    decoding = decoder()
    title = ("a", "/s/-", {"id": "t", "type": "title", "value": ""})
    decoding.feed(encode(*growing(("x", CONTENT, "Hello"), title, op)))
    assert not set(decoding.drift) - {"op a s/*/value/*/content/*"}


def test_indexes_count_the_steps_that_were_there_at_the_start() -> None:
    there = start({"id": "x", "type": "title"}, inference(entry("Hel"), id="~/"))
    assert (
        text(there, patch(("x", "/s/1/value/0/content", "lo"), ("a", "/s/1/finishedAt", 1)))
        == "Hello"
    )
    assert (
        text(there, patch(("x", "/s/~0~1/value/0/content", "lo"), ("a", "/s/1/finishedAt", 1)))
        == "Hello"
    )


def test_removing_a_step_moves_the_later_ones() -> None:
    lines = [
        start({"id": "x", "type": "title"}, inference(entry("Hel"))),
        patch(("x", "/s/1/value/0/content", "l"), ("r", "/s/0"), ("x", CONTENT, "o"), FINISHED),
    ]
    assert text(*lines) == "Hello"


def test_lines_that_are_blank_broken_framed_or_unknown_do_no_harm() -> None:
    noise = [
        "",
        "  ",
        "{",
        '"text"',
        ": comment",
        '{"type":"weather"}',
        '{"type":"patch","v":[1,{}]}',
    ]
    lines = [f"data: {json.dumps(line)}" for line in growing(("x", CONTENT, "Hello"))]
    assert text(*lines[:2], *noise, *lines[2:], "data: [DONE]") == "Hello"


def test_the_spelling_of_the_json_means_nothing() -> None:
    lines = growing(("x", CONTENT, "Hello"))
    spaced = [json.dumps(dict(sorted(line.items(), reverse=True)), indent=None) for line in lines]
    assert told(*spaced) == told(*lines)


def test_unknown_steps_hold_their_place_and_are_counted() -> None:
    decoding = decoder()
    there = start({"id": "x", "type": "weather"}, inference(entry("Hel")))
    events = decoding.feed(encode(there, patch(("x", "/s/1/value/0/content", "lo"))))
    assert (events, dict(decoding.drift)) == ([Text("Hello")], {"step weather": 1})


def test_the_names_that_are_counted_are_bounded() -> None:
    decoding = decoder()
    decoding.feed(encode(*({"type": f"{'x' * (n % 35)}-{'y' * (n // 35)}"} for n in range(300))))
    decoding.feed(encode({"type": "secret content"}, {"type": "-"}))
    assert len(decoding.drift) == 100
    assert decoding.drift["type -"] == 2


def test_a_half_of_a_surrogate_pair_waits_for_the_other() -> None:
    lines = growing(("x", CONTENT, "a \ud83d"), ("x", CONTENT, "\ude00 b \ude00"))
    assert text(*lines) == "a 😀 b \ufffd"
    anew = growing(("a", CONTENT, "a \ud83d"), ("a", CONTENT, "a 😀"))
    assert text(*anew) == "a 😀"
    whole = [inference(entry("a \ud83d")), inference(entry("a 😀"), finishedAt=1)]
    assert text(*whole) == "a 😀"
    assert told(*whole)[-1] == Done(Stop.END, GUESS)


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    decoding = decoder()
    raw = encode(*growing(("x", CONTENT, "caf_"))).replace(b"caf_", b"caf\xe9")
    assert decoding.feed(raw) == [Text("caf\ufffd")]


# Figures and names


def test_usage_is_the_latest_of_each_step_added_up() -> None:
    lines = [
        start(inference(entry("a"), inputTokens=1, outputTokens=1), inference(entry("b"), id="i2")),
        patch(("a", "/s/0/inputTokens", 10), ("a", "/s/0/cachedTokensRead", 8.0)),
        patch(("a", "/s/1/outputTokens", 5), ("a", "/s/1/cachedTokensCreated", 3)),
        patch(("a", "/s/1/inputTokens", "many"), ("a", "/s/1/outputTokens", True)),
        patch(("a", "/s/1/finishedAt", 1)),
    ]
    assert told(*lines)[-1] == Done(Stop.END, Usage(10, 6, cached=8, cache_written=3))


def test_the_served_model_is_the_last_inference_s_or_the_configured_one() -> None:
    config = {"type": "config", "id": "c", "value": {"model": "almond"}}
    answer = inference(entry("Hi"), finishedAt=1)
    assert reply(answer).done.served == ""
    assert reply(config, answer).done.served == "almond"
    assert reply(config, {**answer, "model": "apricot"}).done.served == "apricot"
    changed = [
        start(config, answer),
        patch(("a", "/s/0/value/model", "avocado"), ("r", "/s/0/value")),
    ]
    assert reply(*changed).done.served == "avocado"


def test_an_estimate_sees_the_whole_reply() -> None:
    seen: list[Sequence[Piece]] = []
    decoding = Decoder(lambda pieces: seen.append(pieces) or GUESS)
    decoding.feed(encode(inference(entry("Hm", "thinking"), entry("Hi"), finishedAt=1)))
    decoding.finish()
    assert seen == [(Thinking("Hm"), Text("Hi"))]


def test_a_record_map_after_the_last_word_is_passed_over_unread() -> None:
    decoder = Decoder(lambda _: Usage())
    decoder.feed(b'{"type":"patch-start","data":{"s":[]},"version":1}\n')
    told = decoder.feed(
        b'{"type":"patch","v":[{"o":"a","p":"/s/-","v":{"id":"i","type":"agent-inference",'
        b'"value":[{"type":"text","content":"Hi."}],"finishedAt":1}}]}\n'
        b'{"type":"record-map","recordMap":{this is not even JSON}}\n'
    )
    assert told == [Text("Hi.")]
    assert decoder.drift == {}
    assert decoder.finish()[-1].served == ""


def test_a_record_map_is_read_where_an_old_kind_of_step_may_have_missed_words() -> None:
    answer = inference(entry("Hi."), finishedAt=1)
    saved = record_map(messages=[{"id": "c1", "step": chat("Older")}])
    assert final(start(answer, chat("Old")), saved) == "Hi.\n\nOlder"
