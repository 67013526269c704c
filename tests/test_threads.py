"""Chats leave the person's Notion when nobody needs them any more, as configured."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from notion_manager.config import Config, Threads
from notion_manager.store import Store, StoreProblem, Thread
from notion_manager.threads import delete
from notion_manager.upstreams.notion_web.calls import connect
from notion_manager.upstreams.notion_web.session import NotionWeb
from tests.asking import APIS, CHAT, Api
from tests.files import PNG, data_url
from tests.rig import QUICK, Rig, account_of, rigged, someone, until

AT_ONCE = Config(threads=Threads(0.0))
LATER = Config(threads=Threads(24.0))
LOOK = {"url": data_url("image/png", PNG)}
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": LOOK}]}]
each_api = pytest.mark.parametrize("api", APIS, ids=lambda a: a.name)


async def asked(rig: Rig, api: Api = CHAT, text: str = "hi", **more: object) -> int:
    async with await rig.post(api.path, api.ask(text, **more)) as r:
        await r.read()
        return r.status


def alive(rig: Rig) -> list[bool]:
    return [thread.alive for thread in rig.sim.threads.values()]


@each_api
@pytest.mark.parametrize("stream", [True, False])
async def test_a_chat_is_deleted_after_use_where_that_is_wanted(
    tmp_path: Path, api: Api, stream: bool
) -> None:
    async with rigged(tmp_path, config=AT_ONCE) as rig:
        assert await asked(rig, api, stream=stream) == 200
        await until(lambda: alive(rig) == [False])
        await until(lambda: rig.store.threads() == [])


async def test_chats_are_kept_and_not_remembered_by_default(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        assert await asked(rig) == 200
        assert alive(rig) == [True]
    with Store(tmp_path / "state.sqlite3") as store:
        assert store.threads() == []


async def test_a_chat_that_is_young_is_remembered_and_kept(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert await asked(rig) == 200
        await until(lambda: len(rig.store.threads()) == 1)
        (thread,) = rig.store.threads()
        assert (thread.id, thread.account) == (next(iter(rig.sim.threads)), "one")
        assert rig.store.threads(thread.used_at - 1) == []
        assert alive(rig) == [True]


async def test_what_was_made_just_before_the_end_is_remembered(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert await asked(rig) == 200
    with Store(tmp_path / "state.sqlite3") as store:
        assert len(store.threads()) == 1


async def test_the_thread_of_a_file_is_deleted_too(tmp_path: Path) -> None:
    people = [someone(1, "chat-id")]
    async with rigged(tmp_path, people=people, config=AT_ONCE) as rig:
        assert await asked(rig, messages=PICTURE) == 200
        await until(lambda: alive(rig) == [False])


async def test_a_thread_whose_file_could_not_be_read_is_deleted_too(tmp_path: Path) -> None:
    people = [someone(1, "unreadable")]
    async with rigged(tmp_path, people=people, config=AT_ONCE) as rig:
        assert await asked(rig, messages=PICTURE) == 400
        await until(lambda: alive(rig) == [False])


async def test_a_turn_that_nobody_hears_any_more_keeps_its_thread_for_a_while(
    tmp_path: Path,
) -> None:
    async with rigged(tmp_path, config=AT_ONCE) as rig:
        asking = asyncio.create_task(asked(rig, text="[[sim:think=30]] hi", stream=True))
        await until(lambda: rig.sim.open_streams == 1)
        asking.cancel()
        await until(lambda: len(rig.store.threads()) == 1)
        (thread,) = rig.store.threads()
        assert alive(rig) == [True]
        assert thread.used_at > next(iter(rig.sim.threads.values())).created_ms / 1000 + 200


@pytest.mark.parametrize("fault", ["429 everywhere", "503 everywhere", "hang everywhere"])
async def test_what_cannot_be_deleted_now_is_kept_for_later(tmp_path: Path, fault: str) -> None:
    person = someone(1, fault)
    config = Config(timeouts=replace(QUICK, api=0.3))
    async with rigged(tmp_path, people=[person], config=config, timeouts=config.timeouts) as rig:
        rig.store.save_threads([Thread("t", "one", 1.0), Thread("u", "gone", 1.0)])
        notion = replace(config.notion, base_url=rig.sim.world.origin or await origin(rig))
        async with connect(config.timeouts) as http:
            web = NotionWeb(http, account_of(person, "one"), replace(config, notion=notion))
            assert await delete(rig.store, {"one": web}, rig.store.threads()) == 0
        assert [thread.id for thread in rig.store.threads()] == ["t"]


async def origin(rig: Rig) -> str:
    """Where the simulator is: it knows once somebody has called."""
    await until(lambda: bool(rig.sim.world.origin))
    return rig.sim.world.origin


async def test_a_thread_that_notion_does_not_know_keeps_no_other(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert [await asked(rig) for _ in range(3)] == [200] * 3
        known = list(rig.sim.threads)
        await until(lambda: len(rig.store.threads()) == 3)
        rig.store.save_threads(
            [Thread("unknown", "one", 1.0), *(Thread(t, "one", 1.0) for t in known)]
        )
        await until(lambda: alive(rig) == [False] * 3)
        await until(lambda: rig.store.threads() == [])


async def test_a_store_that_cannot_be_written_stops_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(tmp_path, config=AT_ONCE) as rig:
        with sqlite3.connect(tmp_path / "state.sqlite3") as db:
            db.execute("DROP TABLE threads")
        assert await asked(rig) == 200
        await until(lambda: "cannot be used" in caplog.text)
        assert await asked(rig) == 200
        with pytest.raises(StoreProblem):
            rig.store.save_threads([Thread("t", "one", 1.0)])
