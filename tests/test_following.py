"""Accounts that are added, renewed and removed while the daemon runs: no restart is needed."""

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import notion_manager.oracle
from notion_manager.allowance import Allowance
from notion_manager.catalogues import Catalogues, Shelved
from notion_manager.config import Config
from notion_manager.config import Pool as PoolSettings
from notion_manager.pool import Pool
from notion_manager.roster import Roster
from notion_manager.secret import Secret
from notion_manager.standing import Standing, Terms
from notion_manager.store import Store
from notion_manager.upstreams import Upstream
from tests.asking import CHAT
from tests.rig import Rig, account_of, rigged, someone, until
from tests.scripted import MODELS, Clock, Scripted, keep_nothing

ONE, TWO = someone(1), someone(2)


def elsewhere(path: Path) -> Store:
    """The same file, as another process has it."""
    return Store(path / "state.sqlite3")


def renamed(path: Path, table: str, name: str) -> None:
    """What looks for the table finds none."""
    with closing(sqlite3.connect(path / "state.sqlite3")) as db:
        db.execute(f"ALTER TABLE {table} RENAME TO {name}")


async def answered(rig: Rig) -> None:
    """Wait until a request is: nothing else tells."""
    async with asyncio.timeout(5):
        while (await asked(rig))[0] != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def pooled(rig: Rig, accounts: int) -> None:
    """Until the daemon has so many accounts."""
    async with asyncio.timeout(5):
        while True:
            async with await rig.get("/health") as r:
                if (await r.json())["pool"]["accounts"] == accounts:
                    return
            await asyncio.sleep(0.02)


async def asked(rig: Rig, text: str = "[[sim:echo=ok]]") -> tuple[int, str]:
    async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
        return r.status, r.headers.get("x-notion-manager-account", "")


async def test_an_account_that_another_process_adds_answers_and_one_removed_does_not(
    tmp_path: Path,
) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        rig.sim.admit(TWO)
        with elsewhere(tmp_path) as store:
            store.put_account(account_of(TWO, "added"))
            await pooled(rig, 2)
            assert {await asked(rig) for _ in range(4)} == {(200, "one"), (200, "added")}
            store.remove_account("one")
            await pooled(rig, 1)
            assert {await asked(rig) for _ in range(4)} == {(200, "added")}
            store.remove_account("added")
            await pooled(rig, 0)
        assert (await asked(rig))[0] == 503


async def test_an_account_that_is_renamed_keeps_its_conversations(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        said = CHAT.ask("[[sim:echo=Hi.]] first")
        async with await rig.post(CHAT.path, said) as r:
            text = CHAT.text(await r.json())
        with elsewhere(tmp_path) as store:
            store.put_account(account_of(ONE, "renamed"))
        async with asyncio.timeout(5):
            while (await asked(rig))[1] != "renamed":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        messages = [*said["messages"], {"role": "assistant", "content": text}, *said["messages"]]
        async with await rig.post(CHAT.path, {**said, "messages": messages}) as r:
            assert r.headers["x-notion-manager-thread"] == "continued"


async def test_of_an_account_that_is_removed_no_place_is_kept(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE, TWO]) as rig:
        for _ in range(8):
            await asked(rig)
        one, two = (account_of(who, "").identity for who in (ONE, TWO))
        assert one in places(tmp_path)
        assert two in places(tmp_path)
        with elsewhere(tmp_path) as store:
            store.remove_account("one")
        await pooled(rig, 1)
        assert one not in places(tmp_path)
        assert two in places(tmp_path)


def places(path: Path) -> str:
    """All that is kept of where conversations go on."""
    return "".join(each.read_text() for each in path.glob("places-*"))


async def test_terms_take_effect_in_a_running_daemon(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE, TWO]) as rig:
        with elsewhere(tmp_path) as store:
            store.save_terms("one", Terms(enabled=False))
        for _ in range(200):
            if "one" not in {(await asked(rig))[1] for _ in range(4)}:
                break
            await asyncio.sleep(0.02)
        assert {await asked(rig) for _ in range(4)} == {(200, "two")}


async def test_who_has_to_wait_is_served_in_turn_and_too_many_are_told(tmp_path: Path) -> None:
    config = Config(pool=PoolSettings(concurrency=1, queue=1))
    async with rigged(tmp_path, people=[ONE], config=config) as rig:
        slow = "[[sim:think=0.5]][[sim:echo=slow]]"
        first = asyncio.create_task(asked(rig, slow))
        await until(lambda: rig.sim.open_streams == 1)
        second = asyncio.create_task(asked(rig))
        await asyncio.sleep(0.1)
        async with await rig.post(CHAT.path, CHAT.ask("hi")) as r:
            assert r.status == 429
            assert int(r.headers["Retry-After"]) >= 1
            assert "1 requests wait already" in await r.text()
        assert await first == await second == (200, "one")
        assert [record.waited is not None for record in rig.records if record.status == 200] == [
            False,
            True,
        ]


async def test_what_an_account_is_answering_goes_on_when_it_leaves(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        text = "[[sim:think=1.5]][[sim:echo=to the end]]"
        asking = asyncio.create_task(rig.post(CHAT.path, CHAT.ask(text, stream=True)))
        await until(lambda: rig.sim.open_streams == 1)
        with elsewhere(tmp_path) as store:
            store.remove_account("one")
        await pooled(rig, 0)
        async with await asking as r:
            assert CHAT.said(await r.read()) == "to the end"


@pytest.mark.parametrize("trouble", ["model-unavailable=line", "exhausted=line"])
async def test_one_that_left_and_then_fails_is_failed_over_from(
    tmp_path: Path, trouble: str
) -> None:
    async with rigged(tmp_path, people=[someone(1, f"think=1.5 {trouble}"), TWO]) as rig:
        asking = asyncio.create_task(asked(rig))
        await until(lambda: rig.sim.open_streams == 1)
        with elsewhere(tmp_path) as store:
            store.remove_account("one")
        await pooled(rig, 1)
        assert await asking == (200, "two")


async def test_a_renewed_token_ends_what_the_old_one_brought_about(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        assert (await asked(rig, "[[sim:401]] hi"))[0] == 503
        assert (await asked(rig))[0] == 503
        renewed = replace(ONE, token_v2="v03%3Athe-next-token")
        rig.sim.admit(renewed)
        with elsewhere(tmp_path) as store:
            store.put_account(replace(account_of(ONE, "one"), token_v2=Secret(renewed.token_v2)))
        await answered(rig)


async def test_an_account_that_a_check_finds_well_again_is_back(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        assert (await asked(rig, "[[sim:401]] hi"))[0] == 503
        (standing,) = rig.store.standings()
        assert standing.retired
        with elsewhere(tmp_path) as store:
            store.save_standings(Standing("one"))
        await answered(rig)


async def test_an_account_that_is_added_again_with_the_token_it_has_is_back(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        assert (await asked(rig, "[[sim:401]] hi"))[0] == 503
        await until(lambda: [s.retired for s in rig.store.standings()] == [True])
        with elsewhere(tmp_path) as store:
            store.put_account(account_of(ONE, "one"))
        await answered(rig)


async def test_a_rest_that_was_kept_is_no_longer_than_one_may_be(tmp_path: Path) -> None:
    """Whether the clock was put back since, or the configuration says another thing."""
    short = Config(pool=PoolSettings(longest_rest=0.01))
    async with rigged(tmp_path, people=[ONE]) as rig:
        rests = Standing("one", ready_at=time.time() + 1e8, reason="rate_limit_exceeded")
        rig.store.save_standings(rests)
    async with rigged(tmp_path, people=[ONE], config=short, again=True) as rig:
        assert await asked(rig) == (200, "one")


async def test_a_rest_that_could_not_be_kept_goes_on_and_is_kept_later(tmp_path: Path) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        rig.store.save_standings(Standing("one"))
        renamed(tmp_path, "standings", "away")
        assert (await asked(rig, "[[sim:trust-rule-denied=start]] hi"))[0] == 403
        renamed(tmp_path, "away", "standings")
        await until(lambda: [s.reason for s in rig.store.standings()] == ["upstream_denied"])
        assert (await asked(rig))[0] == 429


async def test_a_rest_for_want_of_allowance_ends_when_a_check_finds_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notion_manager.oracle, "PACE", 0.01)
    async with rigged(tmp_path, people=[ONE]) as rig:
        await until(lambda: "one" in rig.store.allowances())  # no look of its own is due soon
        assert (await asked(rig, "[[sim:quota-exhausted]] hi"))[0] == 429
        assert (await asked(rig))[0] == 429
        with elsewhere(tmp_path) as store:
            store.save_allowance("one", Allowance(time.time()))
        await answered(rig)


async def test_an_account_that_takes_over_the_name_of_another_has_nothing_of_it() -> None:
    upstreams: dict[str, Upstream] = {}
    pool, clock = Pool([]), Clock()
    shelf = {"work": Shelved(MODELS, clock())}
    catalogues = Catalogues(upstreams, shelf, keep=keep_nothing, clock=clock)
    roster = Roster(lambda _: Scripted(models=MODELS[1:]), upstreams, pool, catalogues)
    roster.enrol([account_of(ONE, "work")], {})
    pool.recall({"work": Allowance(clock(), eligible=False)})
    roster.enrol([account_of(TWO, "work")], {})
    assert pool.allowances == {}
    assert await catalogues.of("work") == MODELS[1:]


def test_only_what_was_read_later_is_taken_over() -> None:
    spent = Standing("one", ready_at=5000.0, reason="insufficient_quota", since=2000.0)
    pool = Pool([spent])
    roster = Roster(Scripted, {}, pool, Catalogues({}, {}, keep=keep_nothing, clock=Clock()))
    pool.recall({"one": Allowance(1000.0, eligible=False)})
    for stale in (900.0, 1000.0, 1900.0):
        roster.learn({"one": Allowance(stale), "ghost": Allowance(9000.0)}, now=2500.0)
        assert pool.standings == {"one": spent}
        assert pool.allowances["one"].read_at == 1000.0
    roster.learn({"one": Allowance(2100.0)}, now=2500.0)
    assert pool.standings == {"one": Standing("one")}
    roster.learn({"one": Allowance(2200.0, eligible=False)}, now=2500.0)
    assert pool.ready(2500.0) == 0


async def test_a_store_that_cannot_be_read_leaves_the_accounts_as_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(tmp_path, people=[ONE]) as rig:
        rig.store._db.close()
        await until(lambda: "is damaged" in caplog.text)
        assert (await asked(rig)) == (200, "one")
