"""The conversation as the service takes it: whole, verbatim, and ending with the user."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import UUID

import pytest
from goldens import GOLDEN, check
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import BadRequest, Unsupported
from notion_manager.secret import Secret
from notion_manager.turn import (
    File,
    FileLink,
    Found,
    Message,
    Search,
    Source,
    Text,
    Thinking,
    Turn,
)
from notion_manager.upstreams.notion_web.account import Account
from notion_manager.upstreams.notion_web.transcript import begin, probe, request, research
from notion_manager.upstreams.notion_web.uploads import (
    Attached,
    Attachment,
    Outcome,
    parcels,
    shown,
)
from tests.files import KINDS

ACCOUNT = Account(
    "work",
    Secret("canary"),
    "11111111-1111-4111-8111-111111111111",
    "Ada Example",
    "ada@example.test",
    "22222222-2222-4222-8222-222222222222",
    "Ada's Space",
    "33333333-3333-4333-8333-333333333333",
    "team",
    "Europe/Paris",
)
THREAD = "44444444-4444-4444-8444-444444444444"
NOW = datetime(2026, 11, 22, 18, 6, 21, 123456, tzinfo=UTC)


def ids() -> Iterator[str]:
    return (f"c0000000-0000-4000-8000-{n:012x}" for n in count(1))


def user(*texts: str) -> Message:
    return Message("user", tuple(map(Text, texts)))


def assistant(*texts: str) -> Message:
    return Message("assistant", tuple(map(Text, texts)))


def system(*texts: str) -> Message:
    return Message("system", tuple(map(Text, texts)))


def sent(turn: Turn, account: Account = ACCOUNT) -> dict[str, Any]:
    fresh = ids()
    anchor = begin(account, THREAD, ids=fresh, now=NOW, made=False)
    return json.loads(request(turn, account, anchor, next(fresh), ids=fresh, now=NOW))


def with_files(turn: Turn) -> dict[str, Any]:
    fresh = ids()
    anchor = begin(ACCOUNT, ATTACHED.thread_id, ids=fresh, now=NOW, made=True)
    return json.loads(
        request(turn, ACCOUNT, anchor, next(fresh), ids=fresh, now=NOW, attached=ATTACHED)
    )


def steps(*messages: Message, system: str = "") -> list[tuple[str, str]]:
    """The conversation's steps, as (type, text)."""
    transcript = sent(Turn("m", messages, system))["transcript"][2:]
    return [(step["type"], _text_of(step["value"])) for step in transcript]


def _text_of(value: Any) -> str:
    match value:
        case [[str(text)]] | [{"type": "text", "content": str(text)}]:
            return text
    raise AssertionError(value)


GOLDENS = {
    "one-question": Turn(
        "almond-croissant-low",
        (user("What is the capital of France?"),),
        effort="low",
        search=Search(web=True, workspace=False),
        read_only=False,
    ),
    "auto-without-search": Turn(
        "",
        (user("Hello"),),
        effort="high",
        search=Search(web=False, workspace=False),
        read_only=True,
    ),
    "history-with-system": Turn(
        "oatmeal-cookie",
        (
            user("What is the capital of France?"),
            Message("assistant", (Thinking("Easy.", "c2ln"), Text("Paris."))),
            system("From now on answer in capitals."),
            user("And of Spain?"),
        ),
        system="You are a geographer.\nBe brief.",
        search=Search(web=False, workspace=True),
        read_only=True,
    ),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_turn_becomes_a_new_thread(name: str, *, rewrite: bool) -> None:
    spelled = json.dumps(sent(GOLDENS[name]), indent=1, ensure_ascii=False) + "\n"
    check(GOLDEN / "upstream" / f"request-{name}.json", spelled, rewrite=rewrite)


SEEN: dict[str, dict[str, Any]] = {
    "image": {"width": 1, "height": 1, "moderation": {"status": "passed"}},
    "application": {"stepMetadata": {"truncatedContent": "", "wasTruncated": False}},
    "text": {"numRows": 3, "numFields": 2, "stepMetadata": {"truncatedContent": "name"}},
}
"""What the service finds in files, by the head of their type."""


def test_files_of_every_kind_become_steps_before_their_question(*, rewrite: bool) -> None:
    files = [File(kind, data) for kind, data in KINDS.items()]
    turn = Turn("m", (Message("user", (*files, Text("Compare them."))),))
    shows = {
        parcel.data: shown(
            parcel,
            f"attachment:66666666-6666-4666-8666-{number:012}:{parcel.name}",
            Outcome(
                {**SEEN[parcel.media_type.partition("/")[0]], "fileSizeBytes": 9, "aiTraceId": "7b"}
            ),
        )
        for number, parcel in enumerate(parcels(turn))
    }
    fresh = ids()
    anchor = begin(ACCOUNT, THREAD, ids=fresh, now=NOW, made=True)
    attached = Attached(THREAD, shows)
    body = request(turn, ACCOUNT, anchor, next(fresh), ids=fresh, now=NOW, attached=attached)
    spelled = json.dumps(json.loads(body), indent=1, ensure_ascii=False) + "\n"
    check(GOLDEN / "upstream" / "request-files.json", spelled, rewrite=rewrite)


def test_a_research_is_one_question_in_a_thread_of_its_own(*, rewrite: bool) -> None:
    turn = Turn("researcher", (user("Compare bridge types"),))
    body = research(turn, ACCOUNT, ids=ids(), now=NOW)
    spelled = json.dumps(json.loads(body), indent=1, ensure_ascii=False) + "\n"
    check(GOLDEN / "upstream" / "request-research.json", spelled, rewrite=rewrite)


def test_instructions_come_verbatim_before_the_first_question_under_a_heading() -> None:
    assert steps(user("Hi"), system="Be brief.") == [
        (
            "user",
            "# Instructions from the calling application\n\nBe brief.\n\n# Conversation\n\nHi",
        )
    ]


def test_rule_20_instructions_in_mid_conversation_stay_in_their_place() -> None:
    assert steps(user("a"), assistant("b"), system("c"), system("d"), user("e")) == [
        ("user", "a"),
        ("agent-inference", "b"),
        ("user", "# Instructions from the calling application\n\nc\n\nd\n\n# Conversation\n\ne"),
    ]


def test_rule_20_instructions_at_the_end_are_a_step_of_their_own() -> None:
    assert steps(user("a"), assistant("b"), system("c")) == [
        ("user", "a"),
        ("agent-inference", "b"),
        ("user", "# Instructions from the calling application\n\nc"),
    ]
    assert steps(user("a"), system("c")) == [
        ("user", "a\n\n# Instructions from the calling application\n\nc")
    ]


def test_instructions_before_an_opening_answer_are_a_step_of_their_own() -> None:
    assert steps(assistant("Welcome."), user("Hi"), system="s") == [
        ("user", "# Instructions from the calling application\n\ns"),
        ("agent-inference", "Welcome."),
        ("user", "Hi"),
    ]


def test_neighbours_of_one_side_are_one_step() -> None:
    assert steps(user("a", "b"), user("c"), assistant("d"), assistant("e", "f"), user("g")) == [
        ("user", "a\n\nb\n\nc"),
        ("agent-inference", "d\n\ne\n\nf"),
        ("user", "g"),
    ]


def test_blank_answers_and_old_thinking_are_not_sent() -> None:
    thought = Message("assistant", (Thinking("hm"),))
    assert steps(user("a"), assistant(" \n"), thought, user("b"), assistant(), user("c")) == [
        ("user", "a\n\nb\n\nc")
    ]


def test_a_text_without_a_word_is_a_question_still() -> None:
    assert steps(user("")) == [("user", "")]


@pytest.mark.parametrize("messages", [(), (system(""),), (user("a"), assistant("b"))])
def test_a_turn_that_asks_nothing_is_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(BadRequest, match=r"^messages: "):
        sent(Turn("m", messages))


def test_a_file_that_is_only_pointed_at_is_refused_by_its_place() -> None:
    link = FileLink("https://example.test/a.png", path="messages[3].content[1]")
    with pytest.raises(Unsupported, match=r"^messages\[3\]\.content\[1\]: files are not fetched"):
        sent(Turn("m", (Message("user", (Text("a"), link)),)))


PICTURE, TABLE = File("image/png", b"1", "a.png"), File("text/csv", b"2", "b.csv")
ATTACHED = Attached(
    "44444444-4444-4444-8444-444444444444",
    {
        b"1": Attachment("(attached: a.png)", {"type": "attachment", "fileName": "a.png"}),
        b"2": Attachment('{"file":…}'),
    },
)


def test_files_come_before_the_message_that_is_the_first_to_show_them() -> None:
    messages = (
        user("before"),
        assistant("yes?"),
        Message("user", (Text("look:"), PICTURE, Text("and"), TABLE)),
        assistant("nice"),
        Message("user", (PICTURE, Text("again"))),
    )
    body = with_files(Turn("m", messages))
    said = [
        (step["type"], step.get("fileName") or _text_of(step["value"]))
        for step in body["transcript"][2:]
    ]
    assert said == [
        ("user", "before"),
        ("agent-inference", "yes?"),
        ("attachment", "a.png"),
        ("user", 'look:\n\n(attached: a.png)\n\nand\n\n{"file":…}'),
        ("agent-inference", "nice"),
        ("user", "(attached: a.png)\n\nagain"),
    ]
    assert len({step["id"] for step in body["transcript"]}) == len(body["transcript"])


def test_a_turn_with_files_goes_on_in_the_thread_that_they_made() -> None:
    turn = Turn("m", (Message("user", (PICTURE,)),))
    body = with_files(turn)
    assert (body["threadId"], body["createThread"]) == (ATTACHED.thread_id, False)
    assert "threadParentPointer" not in body
    assert body["createdSource"] == body["transcript"][1]["value"]["surface"] == "workflows"


@pytest.mark.parametrize(
    ("zone", "name", "time"),
    [
        ("Europe/Paris", "Europe/Paris", "2026-11-22T19:06:21.123+01:00"),
        ("UTC", "UTC", "2026-11-22T18:06:21.123+00:00"),
        ("Nowhere/At-All", "UTC", "2026-11-22T18:06:21.123+00:00"),
        ("", "UTC", "2026-11-22T18:06:21.123+00:00"),
        ("/etc/passwd", "UTC", "2026-11-22T18:06:21.123+00:00"),
        ("Europe", "UTC", "2026-11-22T18:06:21.123+00:00"),
    ],
)
def test_the_time_is_the_accounts_own(zone: str, name: str, time: str) -> None:
    _, context, question = sent(Turn("m", (user("a"),)), replace(ACCOUNT, timezone=zone))[
        "transcript"
    ]
    assert context["value"]["timezone"] == name
    assert context["value"]["currentDatetime"] == question["createdAt"] == time


def test_a_later_question_has_its_own_time_and_its_threads_context_the_first() -> None:
    fresh = ids()
    anchor = begin(ACCOUNT, THREAD, ids=fresh, now=NOW, made=False)
    later = Turn("m", (user("And Spain?"),))
    now = NOW + timedelta(hours=1)
    body = request(later, ACCOUNT, anchor, next(fresh), ids=fresh, now=now, continued=True)
    _, context, update, question = json.loads(body)["transcript"]
    assert context["value"]["currentDatetime"] == "2026-11-22T19:06:21.123+01:00"
    assert question["createdAt"] == "2026-11-22T20:06:21.123+01:00"
    assert update["type"] == "updated-config"


@pytest.mark.parametrize(
    ("search", "web", "scopes"),
    [
        (Search(), False, []),
        (Search(web=True, workspace=False), True, []),
        (Search(web=False, workspace=True), False, [{"type": "everything"}]),
        (Search(web=True, workspace=True), True, [{"type": "everything"}]),
    ],
)
def test_searching_the_web_does_not_open_the_workspace(
    search: Search, web: Any, scopes: list[Any]
) -> None:
    value = sent(Turn("m", (user("a"),), search=search))["transcript"][0]["value"]
    assert (value["useWebSearch"], value["searchScopes"]) == (web, scopes)


def test_a_free_read_names_the_workspace() -> None:
    assert json.loads(probe(ACCOUNT)) == {"spaceId": ACCOUNT.space_id}


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
messages = st.lists(
    st.builds(
        lambda role, said: Message(role, tuple(map(Text, said))),
        st.sampled_from(["system", "user", "assistant"]),
        st.lists(texts, min_size=1, max_size=2),
    ),
    max_size=6,
)


@given(messages, texts, texts)
def test_every_word_arrives_verbatim_and_the_sides_alternate(
    earlier: list[Message], instructions: str, question: str
) -> None:
    body = sent(Turn("m", (*earlier, user(question)), instructions))
    conversation = body["transcript"][2:]
    said = [_text_of(step["value"]) for step in conversation]
    for message in earlier:
        spelled = "\n\n".join(p.text for p in message.parts if isinstance(p, Text))
        assert any(spelled.strip() in text for text in said)
    assert instructions.strip() in said[0]
    assert question in said[-1]
    types = [step["type"] for step in conversation]
    assert types[-1] == "user"
    assert all(a != b for a, b in pairwise(types))


@given(messages)
def test_every_id_is_a_uuid_of_its_own(earlier: list[Message]) -> None:
    body = sent(Turn("m", (*earlier, user("?"))))
    found = [body["traceId"], body["threadId"], *(step["id"] for step in body["transcript"])]
    assert len(set(map(UUID, found))) == len(found)


def test_what_an_earlier_search_found_is_told_as_text() -> None:
    pages = (Source("https://a.test/", "A"), Source("https://b.test/"))
    said = Message("assistant", (Found(("q",), pages), Text("So."), Found(("r",), ())))
    turn = Turn("m", (user("Hi"), said, user("And?")))
    steps = [step for step in sent(turn)["transcript"] if step["type"] == "agent-inference"]
    assert steps[0]["value"][0]["content"] == (
        "Web pages found:\n- A: https://a.test/\n- https://b.test/\n\nSo."
    )
