"""Conversations stay where they are, and only what is new is sent there."""

import dataclasses
import json
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from notion_manager.config import Config, Threads
from notion_manager.conversations import FILE as PLACES
from notion_manager.notes import FILE, Notes
from notion_manager.simulator import Simulator
from tests.asking import MESSAGES, frames
from tests.files import base64, png
from tests.rig import QUICK, Rig, rigged, serving, someone

Said = list[dict[str, Any]]


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    async with rigged(tmp_path) as rig:
        yield rig


async def say(rig: Rig, said: Said, text: str, **more: Any) -> tuple[str, str]:
    """Goes on with a conversation: what was answered, and where."""
    said.append({"role": "user", "content": text})
    body = {"model": "opus-4.6", "max_tokens": 90_000, "messages": said, **more}
    async with await rig.post(MESSAGES.path, body) as answer:
        made = await answer.read()
        assert answer.status == 200, made
        thread = answer.headers["x-notion-manager-thread"]
    text = MESSAGES.said(made) if more.get("stream") else MESSAGES.text(json.loads(made))
    said.append({"role": "assistant", "content": text})
    return text, thread


def runs(rig: Rig) -> list[Any]:
    return [r for r in rig.sim.requests if r.endpoint == "runInferenceTranscript"]


def asked(rig: Rig) -> Any:
    return runs(rig)[-1].body


def answerer(rig: Rig) -> str:
    return runs(rig)[-1].headers["x-notion-active-user-header"]


def texts(body: Any) -> list[str]:
    return [s["value"][0][0] for s in body["transcript"] if s["type"] == "user"]


@pytest.mark.parametrize("stream", [False, True])
async def test_only_what_is_new_is_sent(rig: Rig, *, stream: bool) -> None:
    said: Said = []
    told = "[[sim:work]] " + json.dumps(["One.", "Two.", "Three."])
    assert await say(rig, said, told, system="Be brief.", stream=stream) == ("One.", "new")
    first = asked(rig)
    for expected in ("Two.", "Three."):
        found = await say(rig, said, f"And {expected}", system="Be brief.", stream=stream)
        assert found == (expected, "continued")  # what it is to do stands in the first message
        body = asked(rig)
        assert texts(body) == [f"And {expected}"]
        kinds = [step["type"] for step in body["transcript"]]
        assert kinds == ["config", "context", "updated-config", "user"]
        assert body["transcript"][:2] == first["transcript"][:2]
        assert body["threadId"] == first["threadId"]
        assert (body["createThread"], body["isPartialTranscript"]) == (False, True)
        assert (body["generateTitle"], "threadParentPointer" in body) == (False, False)
    assert len(runs(rig)) == 3


READ = {
    "name": "Read",
    "description": "Reads.",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    },
}


async def test_tools_go_on_too(rig: Rig) -> None:
    steps = [[{"tool": "Read", "args": {"path": f"{n}.py"}}] for n in range(3)]
    said: Said = [{"role": "user", "content": "[[sim:work]] " + json.dumps([*steps, "Done."])}]
    body = {"model": "opus-4.6", "max_tokens": 9000, "messages": said, "tools": [READ]}
    for number in range(4):
        async with await rig.post(MESSAGES.path, {**body, "stream": bool(number % 2)}) as answer:
            thread = answer.headers["x-notion-manager-thread"]
            made = await answer.read()
        assert thread == ("continued" if number else "new")
        if number == 3:
            break
        if number % 2:
            inputs = "".join(f["delta"].get("partial_json", "") for f in _deltas(made))
            call = {**next(_blocks(made)), "input": json.loads(inputs)}
        else:
            call = next(b for b in json.loads(made)["content"] if b["type"] == "tool_use")
        assert call["input"] == {"path": f"{number}.py"}
        said.append({"role": "assistant", "content": [call]})
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": f"line {number}"}
        said.append({"role": "user", "content": [result]})
    assert MESSAGES.said(made) == "Done."
    (last,) = texts(asked(rig))
    assert "line 2" in last
    assert "line 1" not in last


def _deltas(stream: bytes) -> Any:
    return (f for f in frames(stream) if f["type"] == "content_block_delta")


def _blocks(stream: bytes) -> Any:
    starts = (f for f in frames(stream) if f["type"] == "content_block_start")
    return (f["content_block"] for f in starts if f["content_block"]["type"] == "tool_use")


async def test_a_long_conversation_sends_little_more_than_its_own_bytes(rig: Rig) -> None:
    """Of turns as agents have them; what each request needs besides is some 1.6 kB."""
    said: Said = []
    for number in range(200):
        words = " ".join(f"w{number}x{n}" for n in range(300))
        _, thread = await say(rig, said, f"[[sim:echo={number}]] {words}")
        assert thread == ("continued" if number else "new")
    own = sum(len(message["content"]) for message in said)
    sent = sum(len(json.dumps(run.body)) for run in runs(rig))
    assert sent <= 3 * own


async def test_two_that_begin_alike_do_not_share_a_thread(rig: Rig) -> None:
    a: Said = []
    b: Said = []
    for said in (a, b):
        assert await say(rig, said, "[[sim:echo=Same.]] hello") == ("Same.", "new")
    for said, word in ((a, "apples"), (b, "bananas")):
        assert (await say(rig, said, f"[[sim:echo=Ok.]] about {word}"))[1] == "continued"
    one, two = runs(rig)[2:]
    assert one.body["threadId"] != two.body["threadId"]
    for said, word in ((b, "bananas"), (a, "apples")):
        assert (await say(rig, said, "[[sim:echo=Yes.]] more"))[1] == "continued"
        thread = rig.sim.threads[asked(rig)["threadId"]]
        spoken = json.dumps(thread.history())
        assert word in spoken
        assert ("apples" in spoken) != ("bananas" in spoken)


async def test_an_edited_or_branched_history_begins_anew(rig: Rig) -> None:
    said: Said = []
    await say(rig, said, "[[sim:echo=One.]] first")
    await say(rig, said, "[[sim:echo=Two.]] second")
    branch = said[:2]
    assert (await say(rig, branch, "[[sim:echo=Other.]] another second"))[1] == "new"
    assert len(texts(asked(rig))) == 2
    edited = [{**said[0], "content": "[[sim:echo=One.]] changed"}, *said[1:]]
    assert (await say(rig, edited, "third"))[1] == "new"
    assert (await say(rig, said, "third"))[1] == "continued"


@pytest.mark.parametrize(
    "change",
    [
        {"model": "sonnet-4.6"},
        {"system": "Be long."},
        {"tools": [READ]},
        {"output_config": {"effort": "low"}},
    ],
)
async def test_on_other_terms_it_does_not_go_on(rig: Rig, change: dict[str, Any]) -> None:
    said: Said = []
    await say(rig, said, "[[sim:echo=One.]] first")
    assert (await say(rig, said, "[[sim:echo=Two.]] second", **change))[1] in ("new", "moved")
    assert asked(rig)["isPartialTranscript"] is False


async def test_it_stays_with_its_account_and_moves_where_that_cannot_answer(
    tmp_path: Path,
) -> None:
    people = {who.user_id: who for who in map(someone, (1, 2, 3))}
    async with rigged(tmp_path, list(people.values())) as rig:
        said: Said = []
        await say(rig, said, "[[sim:echo=0]] first")
        home = answerer(rig)
        for number in range(4):
            assert (await say(rig, said, f"[[sim:echo={number}]] more"))[1] == "continued"
            assert answerer(rig) == home
        rig.sim.admit(dataclasses.replace(people[home], scenario="401"))
        assert (await say(rig, said, "[[sim:echo=Still.]] here"))[1] == "moved"
        assert answerer(rig) != home
        assert len(texts(asked(rig))) == 6
        assert (await say(rig, said, "[[sim:echo=Yes.]] here"))[1] == "continued"


async def test_a_thread_that_is_gone_is_told_anew_by_the_same_account(rig: Rig) -> None:
    said: Said = []
    await say(rig, said, "[[sim:echo=One.]] first")
    rig.sim.world.threads.known.clear()
    assert await say(rig, said, "[[sim:echo=Two.]] second") == ("Two.", "moved")
    assert len(texts(asked(rig))) == 2
    assert not any(standing.reason for standing in rig.store.standings())


async def test_a_thread_that_is_no_more_for_us_is_no_fault_of_the_account(rig: Rig) -> None:
    said: Said = []
    await say(rig, said, "[[sim:echo=One.]] first")
    (thread,) = rig.sim.threads.values()
    thread.owner = someone(2).user_id
    assert await say(rig, said, "[[sim:echo=Two.]] second") == ("Two.", "moved")
    assert len(texts(asked(rig))) == 2
    assert not any(standing.reason for standing in rig.store.standings())


@pytest.mark.parametrize(
    ("alias", "space", "thread"), [("new", 0, "continued"), ("one", 1, "moved")]
)
async def test_it_is_an_accounts_and_not_a_names(
    tmp_path: Path, alias: str, space: int, thread: str
) -> None:
    spaces = [who.spaces[0] for who in map(someone, (1, 2))]
    person = dataclasses.replace(someone(1), spaces=tuple(spaces))
    said: Said = []
    sim = Simulator(accounts=[person])
    async with sim.running() as upstream:
        notion = dataclasses.replace(Config().notion, base_url=upstream)
        config = dataclasses.replace(Config(), notion=notion, timeouts=QUICK)
        async with serving(tmp_path, config, [person]) as served:
            rig = Rig(url=served.url, store=served.store, http=served.http, sim=sim)
            await say(rig, said, "[[sim:echo=One.]] first")
        with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db, db:
            db.execute("UPDATE accounts SET alias = ?, space_id = ?", (alias, spaces[space].id))
        async with serving(tmp_path, config) as served:
            rig = Rig(url=served.url, store=served.store, http=served.http, sim=sim)
            assert await say(rig, said, "[[sim:echo=Two.]] second") == ("Two.", thread)
            assert rig.store.standings() == ()


async def test_a_thread_that_says_nothing_is_told_anew(rig: Rig) -> None:
    """Another turn may hold it yet."""
    said: Said = []
    await say(rig, said, "[[sim:echo=One.]] first")
    (thread,) = rig.sim.threads.values()
    thread.lease("another", 10**15)
    assert await say(rig, said, "[[sim:echo=Two.]] second") == ("Two.", "moved")


@pytest.mark.parametrize("fault", ["500", "502", "503", "reset", "error=start"])
async def test_what_passes_moves_nothing(tmp_path: Path, fault: str) -> None:
    people = {who.user_id: who for who in map(someone, (1, 2))}
    async with rigged(tmp_path, list(people.values())) as rig:
        said: Said = []
        await say(rig, said, "[[sim:echo=One.]] first")
        home = answerer(rig)
        rig.sim.admit(dataclasses.replace(people[home], scenario=f"{fault} fail=1"))
        assert await say(rig, said, "[[sim:echo=Two.]] second") == ("Two.", "continued")
        assert answerer(rig) == home
        assert len(runs(rig)) == 3


async def test_what_was_heard_all_the_same_is_not_asked_there_again(tmp_path: Path) -> None:
    """The connection is lost, and the turn goes on: its answer would stand there, too."""
    people = {who.user_id: who for who in map(someone, (1, 2))}
    timeouts = dataclasses.replace(QUICK, silence=0.5)
    async with rigged(tmp_path, list(people.values()), timeouts=timeouts) as rig:
        said: Said = []
        await say(rig, said, "[[sim:echo=One.]] first")
        home = answerer(rig)
        rig.sim.admit(dataclasses.replace(people[home], scenario="stall=start fail=1"))
        assert await say(rig, said, "[[sim:echo=Two.]] second") == ("Two.", "moved")
        assert answerer(rig) != home


async def test_what_broke_off_is_not_gone_on_with(rig: Rig) -> None:
    said: Said = []
    await say(rig, said, "[[sim:echo=One.]] first")
    cut = [*said, {"role": "user", "content": "[[sim:reset-text=lost]] second"}]
    body = {"model": "opus-4.6", "max_tokens": 90, "messages": cut, "stream": True}
    async with await rig.post(MESSAGES.path, body) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert (await say(rig, said, "[[sim:echo=Two.]] second"))[1] == "new"


async def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    said: Said = []
    sim = Simulator(accounts=[someone()])
    async with sim.running() as upstream:
        notion = dataclasses.replace(Config().notion, base_url=upstream)
        config = dataclasses.replace(Config(), notion=notion, timeouts=QUICK)
        for people, thread in (([someone()], "new"), ([], "continued")):
            async with serving(tmp_path, config, people) as served:
                rig = Rig(url=served.url, store=served.store, http=served.http, sim=sim)
                assert (await say(rig, said, "[[sim:echo=Yes.]] more"))[1] == thread


def places(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.glob(f"{PLACES}*")]


async def test_what_a_client_has_got_is_on_disk(tmp_path: Path, rig: Rig) -> None:
    await say(rig, [], "[[sim:echo=One.]] first")
    assert [text.count("\n") for text in places(tmp_path)] == [1]
    notes = Notes(tmp_path / FILE)  # as after a kill
    assert notes.rows("SELECT sum(requests) FROM used") == [(1,)]
    notes.close()


@pytest.mark.parametrize("threads", [Threads(resume=False), Threads(retention=0)])
async def test_it_can_be_turned_off(tmp_path: Path, threads: Threads) -> None:
    async with rigged(tmp_path, config=dataclasses.replace(Config(), threads=threads)) as rig:
        said: Said = []
        for number in range(2):
            assert (await say(rig, said, f"[[sim:echo={number}]] more"))[1] == "new"
    assert places(tmp_path) == []


PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def picture(data: str = PIXEL) -> Sequence[dict[str, Any]]:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return [{"type": "image", "source": source}, {"type": "text", "text": "[[sim:echo=Seen.]]"}]


async def test_a_file_is_brought_once_a_conversation(rig: Rig) -> None:
    said: Said = []
    body = {"model": "opus-4.6", "max_tokens": 900, "messages": said}
    said.append({"role": "user", "content": picture()})
    async with await rig.post(MESSAGES.path, body) as answer:
        said.append({"role": "assistant", "content": MESSAGES.text(await answer.json())})
    uploads = len([r for r in rig.sim.requests if "Upload" in r.endpoint])
    assert (await say(rig, said, "[[sim:echo=Two.]] second"))[1] == "continued"
    assert len([r for r in rig.sim.requests if "Upload" in r.endpoint]) == uploads
    for picture_of, shown, kinds in (
        (PIXEL, "image-1.png", ["user"]),
        (base64(png(2)), "image-2.png", ["attachment", "user"]),
    ):
        said.append({"role": "user", "content": picture(picture_of)})
        async with await rig.post(MESSAGES.path, body) as answer:
            assert answer.headers["x-notion-manager-thread"] == "continued"
            said.append({"role": "assistant", "content": MESSAGES.text(await answer.json())})
        transcript = asked(rig)["transcript"]
        assert [step["type"] for step in transcript][3:] == kinds
        assert f"(attached: {shown})" in transcript[-1]["value"][0][0]
    assert len([r for r in rig.sim.requests if "Upload" in r.endpoint]) == 2 * uploads
