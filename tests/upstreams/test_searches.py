"""What is told of the service's own searches, and when."""

from typing import Any

import pytest
from notion_lines import (
    GUESS,
    Json,
    encode,
    entry,
    final,
    inference,
    patch,
    reply,
    start,
    sync,
    tool,
)

from notion_manager.turn import (
    Citations,
    Done,
    Event,
    Found,
    Piece,
    Source,
    Text,
    Thinking,
    coalesce,
)
from notion_manager.upstreams.notion_web.searches import finding, lookup_of, seeking
from notion_manager.upstreams.notion_web.sources import PAGES, Sources
from notion_manager.upstreams.notion_web.stream import Decoder

PAGE = "0a1b2c3d-0000-4000-8000-00000000000f"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"args": {"queries": [{"question": "Why?", "keywords": "w"}]}}, "Searching: Why?"),
        ({"args": {"queries": [{"keywords": "w"}, "x", 5, {}]}}, "Searching: w; x"),
        ({"web": {"queries": ["a", "b", "a"]}}, "Searching the web: a; b"),
        ({"internal": {"queries": ["a"]}}, "Searching the workspace: a"),
        ({"users": {"queries": ["a"]}}, "Searching people: a"),
        ({"default": {"questions": ["a\n <b>"]}}, "Searching: a (b)"),
        ({"web": {"queries": ["a"]}, "internal": {"queries": ["b"]}}, "Searching: a; b"),
        (
            {"web": {"queries": [*"abcdefghijkl"]}},
            "Searching the web: a; b; c; d; e; f; g; h; i; j; and 2 more",
        ),
    ],
)
def test_a_search_says_what_it_looks_for(given: dict[str, Any], expected: str) -> None:
    lookup = lookup_of(given)
    assert lookup is not None
    assert seeking(lookup) == expected


@pytest.mark.parametrize("given", [{}, {"id": "page"}, {"web": 1}, {"web": {"queries": [""]}}])
def test_other_tools_are_no_search(given: dict[str, Any]) -> None:
    assert lookup_of(given) is None


def test_what_was_found_is_named() -> None:
    assert finding([]) == "Found nothing."
    assert finding([Source("u:a", "A")]) == "Found 1 result: A"
    assert finding([Source("u:a", "A"), Source("u:b")]) == "Found 2 results: A; u:b"


@pytest.mark.parametrize("id", [f"page://{PAGE}", PAGE, PAGE.replace("-", "")])
def test_a_page_of_the_workspace_has_its_title_and_a_link(id: str) -> None:
    sources = Sources()
    sources.learn("toolu_1", [{"id": id, "title": "Plans"}, {"id": "thread://x"}])
    assert sources.cite("toolu_1") == "[1]"
    assert sources.cite(f"page://{PAGE}") == "[1]"
    assert sources.cite("2toolu_1") == ""
    assert sources.cite("page://0a1b2c3d-0000-4000-8000-000000000000") == ""
    assert sources.block().endswith(f"[1] Plans - {PAGES}{PAGE.replace('-', '')}")


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("a \x1b]8;;https://x.test\x07b", "a )8;;https://x.test b"),
        ("t\u202ekcattA\u2028\u200b", "t kcattA"),
        ("می\u200cکنم 👩\u200d💻", "می\u200cکنم 👩\u200d💻"),
    ],
)
def test_a_title_has_nothing_that_is_not_seen(title: str, told: str) -> None:
    sources = Sources()
    sources.learn("toolu_1", [{"url": "https://a.test/", "title": title}])
    assert sources.of("toolu_1") == (Source("https://a.test/", told),)


ASKED = inference(entry("{}", "tool_use", id="toolu_1"), finishedAt=1)
A, B = Source("https://a.test/", "A"), Source("https://b.test/")


def searching(id: str, call: str, **more: Any) -> Json:
    return tool(id, toolCallId=call, state="pending", input={"web": {"queries": [call]}}, **more)


def results(*sources: Source) -> Json:
    pages = [{"url": source.url, "title": source.title} for source in sources]
    return {"structuredContent": {"results": pages}}


def heard(form: Citations, *lines: Json, verbatim: str = "") -> list[Piece]:
    """All pieces, one line a feed."""
    decoder = Decoder(lambda _: GUESS, verbatim, form)
    fed: list[Event] = [event for line in lines for event in decoder.feed(encode(line))]
    events = coalesce([*fed, *decoder.finish()])
    return [event for event in events if not isinstance(event, Done)]


def test_searches_at_once_are_told_as_they_go() -> None:
    lines = (
        start(ASKED),
        patch(("a", "/s/-", searching("t1", "toolu_1")), ("a", "/s/-", searching("t2", "toolu_2"))),
        patch(("a", "/s/2/result", results(B)), ("a", "/s/2/state", "applied")),
        patch(("a", "/s/1/result", results(A, B)), ("a", "/s/1/state", "applied")),
        patch(("a", "/s/-", inference(entry("Yes[^toolu_2]."), id="i2", finishedAt=1))),
    )
    assert heard("typed", *lines) == [
        Thinking(
            "Searching the web: toolu_1\n\nSearching the web: toolu_2\n\n"
            "Found 1 result: https://b.test/"
        ),
        Found(("toolu_2",), (B,)),
        Thinking("Found 2 results: A; https://b.test/"),
        Found(("toolu_1",), (A, B)),
        Text("Yes", (B,)),
        Text("."),
    ]
    assert reply(*lines).done.truth is None


def test_a_search_without_a_result_says_so_in_the_end() -> None:
    lines = (
        start(ASKED, searching("t1", "toolu_1")),
        patch(("a", "/s/1/state", "applied")),
        patch(("a", "/s/-", inference(entry("No."), id="i2", finishedAt=1))),
    )
    *_, thought, found = heard("typed", *lines)
    assert (thought, found) == (Thinking("Found nothing."), Found(("toolu_1",), ()))


def test_what_is_found_late_does_not_cut_into_a_text() -> None:
    """Least of all into a call that is being written."""
    lines = (
        start(ASKED, searching("t1", "toolu_1")),
        patch(("a", "/s/-", inference(entry("One "), id="i2"))),
        patch(("a", "/s/1/result", results(A)), ("a", "/s/1/state", "applied")),
        patch(("x", "/s/2/value/0/content", "two."), ("a", "/s/2/finishedAt", 1)),
    )
    for form, more in (("typed", [Found(("toolu_1",), (A,))]), ("inline", [])):
        thought = Thinking("Searching the web: toolu_1")
        found = [Thinking("Found 1 result: A"), *more]
        assert heard(form, *lines, verbatim="call_x") == [thought, Text("One two."), *found]


def test_the_truth_tells_searches_again() -> None:
    lines = (
        start(inference(entry("Maybe"), id="i0"), ASKED, searching("t1", "toolu_1")),
        sync(
            inference(entry("Hm."), id="i0", finishedAt=1),
            ASKED,
            searching("t1", "toolu_1", result=results(A)) | {"state": "applied"},
            inference(entry("Yes[^toolu_1]"), id="i2", finishedAt=1),
        ),
    )
    truth = reply(*lines).done.truth
    assert truth is not None
    assert Thinking("Searching the web: toolu_1") in truth
    assert final(*lines) == "Hm.\n\nYes [1]\n\n---\nSources:\n[1] A - https://a.test/"


def test_a_zero_in_the_text_cites_no_more_than_what_was_found() -> None:
    """The marks that stand for citations on their way might be the model's own."""
    said = "a\0" + "7\0b\0[^https://a.test/]"
    lines = (start(inference(entry(said), finishedAt=1)),)
    assert heard("typed", *lines) == [Text("ab", (Source("https://a.test/"),))]
    assert heard("inline", *lines)[0].text.startswith("a\0")


def test_a_research_may_come_in_patches_too() -> None:
    agent = {"id": "a", "type": "researcher-agent", "value": {"input": "Why?"}}
    report = {"id": "r", "type": "researcher-report", "value": "So."}
    lines = (
        start(agent),
        patch(("a", "/s/0/value/status", "done")),
        patch(("a", "/s/-", report)),
        {"type": "record-map", "recordMap": {}},
    )
    assert heard("inline", *lines) == [
        Thinking("Looking into: Why?\n\nLooked into: Why?"),
        Text("So."),
    ]
