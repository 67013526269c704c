"""Chats leave the person's Notion when nobody needs them any more, as configured."""

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from notion_manager import threads
from notion_manager.config import Config, Notion, Threads
from notion_manager.database import StoreProblem
from notion_manager.simulator import Simulator
from notion_manager.store import Store, Thread
from notion_manager.threads import delete
from notion_manager.turn import File, Message, Turn
from notion_manager.upstreams.notion_web.calls import connect
from notion_manager.upstreams.notion_web.session import NotionWeb
from tests.asking import APIS, CHAT, Api
from tests.files import PNG, data_url
from tests.rig import QUICK, Rig, account_of, rigged, someone, until

AT_ONCE = Config(threads=Threads(0.0))
LATER = Config(threads=Threads(24.0))
LOOK = {"url": data_url("image/png", PNG)}
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": LOOK}]}]
ONE = account_of(someone(), "").identity
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


async def test_a_chat_is_on_disk_before_the_service_hears_of_it(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=AT_ONCE) as rig:
        asking = asyncio.create_task(asked(rig, text="[[sim:think=30]] hi"))
        await until(lambda: rig.sim.open_streams == 1)
        with Store(tmp_path / "state.sqlite3") as another:  # as after a kill
            assert [t.id for t in another.threads()] == list(rig.sim.threads)
        asking.cancel()


async def test_a_chat_that_goes_on_is_used_again_from_then_on(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert await asked(rig, text="[[sim:echo=a]]") == 200
        said = [("user", "[[sim:echo=a]]"), ("assistant", "a"), ("user", "[[sim:think=30]] hi")]
        messages = [{"role": role, "content": text} for role, text in said]
        asking = asyncio.create_task(asked(rig, messages=messages))
        await until(lambda: rig.sim.open_streams == 1)
        (thread,) = rig.store.threads()
        assert thread.used_at > next(iter(rig.sim.threads.values())).created_ms / 1000 + 200
        asking.cancel()


@pytest.mark.parametrize("fault", ["429", "403", "400"])
async def test_a_chat_that_was_refused_is_not_remembered(tmp_path: Path, fault: str) -> None:
    async with rigged(tmp_path, people=[someone(1, fault)], config=LATER) as rig:
        assert await asked(rig) != 200
    with Store(tmp_path / "state.sqlite3") as store:
        assert store.threads() == []


@pytest.mark.parametrize("fault", ["429", "403", "400"])
async def test_a_chat_whose_first_file_was_refused_is_not_remembered(
    tmp_path: Path, fault: str
) -> None:
    async with rigged(tmp_path, people=[someone(1, f"ticket={fault}")], config=LATER) as rig:
        assert await asked(rig, messages=PICTURE) != 200
    with Store(tmp_path / "state.sqlite3") as store:
        assert store.threads() == []


async def test_of_a_chat_that_may_have_been_made_it_is_remembered(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[someone(1, "502")], config=LATER) as rig:
        assert await asked(rig) != 200
    with Store(tmp_path / "state.sqlite3") as store:
        assert store.threads() != []


async def test_a_chat_that_is_young_is_remembered_and_kept(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert await asked(rig) == 200
        await until(lambda: len(rig.store.threads()) == 1)
        (thread,) = rig.store.threads()
        assert (thread.id, thread.account) == (next(iter(rig.sim.threads)), ONE)
        assert rig.store.threads(thread.used_at - 1) == []
        assert alive(rig) == [True]


async def test_what_was_made_just_before_the_end_is_remembered(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert await asked(rig) == 200
    with Store(tmp_path / "state.sqlite3") as store:
        assert len(store.threads()) == 1


async def test_the_chat_of_an_account_that_is_renamed_meanwhile_is_deleted_by_it(
    tmp_path: Path,
) -> None:
    people = [someone(1), someone(2)]
    async with rigged(tmp_path, people=people[:1], config=AT_ONCE) as rig:
        asking = asyncio.create_task(asked(rig, text="[[sim:think=1]] hi"))
        await until(lambda: rig.sim.open_streams == 1)
        with Store(tmp_path / "state.sqlite3") as another:
            for person, alias in zip(people, ("uno", "one"), strict=True):
                another.put_account(account_of(person, alias))
        assert await asking == 200
        await until(lambda: alive(rig) == [False])
        await until(lambda: rig.store.threads() == [])


async def test_the_thread_of_a_file_is_deleted_too(tmp_path: Path) -> None:
    people = [someone(1, "chat-id")]
    async with rigged(tmp_path, people=people, config=AT_ONCE) as rig:
        assert await asked(rig, messages=PICTURE) == 200
        await until(lambda: alive(rig) == [False])


@pytest.mark.parametrize("scenario", ["unreadable", "chat-id unreadable"])
async def test_a_thread_whose_file_could_not_be_read_is_deleted_too(
    tmp_path: Path, scenario: str
) -> None:
    people = [someone(1, scenario)]
    async with rigged(tmp_path, people=people, config=AT_ONCE) as rig:
        assert await asked(rig, messages=PICTURE) == 400
        await until(lambda: alive(rig) == [False])


async def test_the_files_of_a_turn_that_cannot_be_asked_make_no_chat(tmp_path: Path) -> None:
    link = {"type": "image_url", "image_url": {"url": "https://example.test/a.png"}}
    async with rigged(tmp_path, config=AT_ONCE) as rig:
        messages = [*PICTURE, {"role": "user", "content": [link]}]
        assert await asked(rig, messages=messages) == 400
        assert (alive(rig), rig.store.threads()) == ([], [])


class Halting(threads.Threads):
    """Keeps no second thread: whoever has it kept waits until he leaves."""

    began = 0

    async def begin(self, account: str, thread_id: str, until: float) -> None:
        self.began += 1
        await super().begin(account, thread_id, until)
        if self.began == 2:
            await asyncio.Event().wait()


async def test_a_thread_that_another_was_made_for_is_not_remembered_if_the_client_leaves_then(
    tmp_path: Path,
) -> None:
    person = someone(1, "chat-id")
    async with Simulator(accounts=[person]).running() as url, connect(QUICK) as http:
        with Store(tmp_path / "state.sqlite3") as store:
            store.put_account(account_of(person, "one"))
            ledger = Halting(store, {}, 10.0, lambda _: True)
            config = Config(notion=Notion(base_url=url), timeouts=QUICK)
            web = NotionWeb(http, account_of(person, "one"), config, ledger)
            turn = Turn("", (Message("user", (File("image/png", PNG),)),))
            asking = asyncio.ensure_future(web.open(turn).__aenter__())
            await until(lambda: ledger.began == 2)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await ledger.save()
            assert len(store.threads()) == 1


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
        rig.store.save_threads([Thread("t", ONE, 1.0), Thread("u", "gone", 1.0)])
        notion = replace(config.notion, base_url=rig.sim.world.origin or await origin(rig))
        async with connect(config.timeouts) as http:
            web = NotionWeb(http, account_of(person, "one"), replace(config, notion=notion))
            assert await delete(rig.store, {"one": web}, rig.store.threads()) == set()
        assert [thread.id for thread in rig.store.threads()] == ["t"]


async def origin(rig: Rig) -> str:
    """Where the simulator is: it knows once somebody has called."""
    await until(lambda: bool(rig.sim.world.origin))
    return rig.sim.world.origin


async def test_a_thread_that_notion_does_not_know_keeps_no_other(tmp_path: Path) -> None:
    async with rigged(tmp_path, config=LATER) as rig:
        assert [await asked(rig) for _ in range(3)] == [200] * 3
        known = list(rig.sim.threads)
        await until(lambda: len(rig.store.threads(time.time())) == 3)  # their turns are over
        rig.store.save_threads([Thread("unknown", ONE, 1.0), *(Thread(t, ONE, 1.0) for t in known)])
        await until(lambda: alive(rig) == [False] * 3)
        await until(lambda: rig.store.threads() == [])


async def test_a_store_that_cannot_be_written_stops_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(tmp_path, config=AT_ONCE) as rig:
        with closing(sqlite3.connect(tmp_path / "state.sqlite3")) as db, db:
            db.execute("DROP TABLE threads")
        assert await asked(rig) == 200
        await until(lambda: "cannot be used" in caplog.text)
        assert await asked(rig) == 200
        with pytest.raises(StoreProblem):
            rig.store.save_threads([Thread("t", ONE, 1.0)])
