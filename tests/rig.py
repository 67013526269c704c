"""The whole thing in one process: a simulated Notion, a store, and the daemon on real sockets."""

import asyncio
import dataclasses
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import aiohttp

from notion_manager.config import Config, Server, Timeouts
from notion_manager.logs import RequestRecord
from notion_manager.secret import Secret
from notion_manager.server.daemon import Circumstances, running
from notion_manager.simulator import SimAccount, SimSpace, Simulator
from notion_manager.store import Store
from notion_manager.upstreams.notion_web.account import Account
from notion_manager.wire import dumps

KEY = "nm-test-key"
QUICK = Timeouts(
    headers=2, body=2, connect=2, api=2, silence=5, recovery=0.4, linger=1, commit_after=5, ping_every=5,
    shutdown=0.2,
)  # fmt: skip


def someone(number: int = 1, scenario: str = "") -> SimAccount:
    """A person with one paid workspace."""
    space = SimSpace(str(uuid.UUID(int=0x2000 + number, version=4)), f"Space {number}")
    return SimAccount(
        token_v2=f"v03%3Atoken-of-{number}-canary",
        user_id=str(uuid.UUID(int=0x1000 + number, version=4)),
        name=f"Person {number}",
        email=f"person{number}@example.test",
        spaces=(space,),
        scenario=scenario,
    )


@dataclass(slots=True, kw_only=True)
class Served:
    """The daemon's address, its store, somebody to call it, and the log lines so far."""

    url: str
    store: Store
    http: aiohttp.ClientSession
    records: list[RequestRecord] = field(default_factory=list[RequestRecord])

    async def post(self, path: str, body: object, **headers: str) -> aiohttp.ClientResponse:
        sent = {"Content-Type": "application/json", **headers}
        return await self.http.post(self.url + path, data=BytesIO(dumps(body)), headers=sent)

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        return await self.http.get(self.url + path, headers=headers)

    async def drain(self, path: str, body: object) -> None:
        """Ask and hear all that is said; who does so is called `hearing` once something was."""
        async with await self.post(path, body) as answer:
            async for _ in answer.content.iter_any():
                task = asyncio.current_task()
                assert task is not None
                task.set_name("hearing")


@dataclass(slots=True, kw_only=True)
class Rig(Served):
    """A daemon, and the simulator behind it."""

    sim: Simulator


def account_of(who: SimAccount, alias: str) -> Account:
    """What `accounts add` would store."""
    space = who.spaces[0]
    return Account(
        alias=alias,
        token_v2=Secret(who.token_v2),
        user_id=who.user_id,
        user_name=who.name,
        email=who.email,
        space_id=space.id,
        space_name=space.name,
        space_view_id=space.view_id,
        plan=space.plan,
        timezone=who.time_zone,
    )


@asynccontextmanager
async def serving(
    state: Path, config: Config, people: Sequence[SimAccount] = ()
) -> AsyncGenerator[Served]:
    """A daemon over the store in `state`, in which `people` are enrolled first.

    They are `one`, `two` and `three`. Without any the store is left as an earlier daemon left it.
    """
    config = dataclasses.replace(config, server=dataclasses.replace(config.server, port=0))
    with Store(state / "state.sqlite3") as store:
        for alias, who in zip(["one", "two", "three"], people, strict=False):
            store.put_account(account_of(who, alias))
        records: list[RequestRecord] = []
        circumstances = Circumstances(Secret(KEY), simulated=True, log=records.append)
        async with (
            running(config, store, circumstances) as address,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http,
        ):
            yield Served(url=address.url, store=store, http=http, records=records)


@asynccontextmanager
async def rigged(
    state: Path,
    people: Sequence[SimAccount] | None = None,
    *,
    config: Config = Config(),
    timeouts: Timeouts = QUICK,
    again: bool = False,
    **options: object,
) -> AsyncGenerator[Rig]:
    """A daemon over a simulator with `people`; `again` takes the store as it was left."""
    people = people or [someone()]
    sim = Simulator(accounts=people, **options)
    async with sim.running() as upstream:
        notion = dataclasses.replace(config.notion, base_url=upstream)
        config = dataclasses.replace(config, notion=notion, timeouts=timeouts)
        async with serving(state, config, () if again else people) as served:
            yield Rig(
                url=served.url,
                store=served.store,
                http=served.http,
                records=served.records,
                sim=sim,
            )


async def until(condition: Callable[[], bool], patience: float = 5.0) -> None:
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.002)


__all__ = [
    "KEY",
    "QUICK",
    "Rig",
    "Served",
    "Server",
    "account_of",
    "rigged",
    "serving",
    "someone",
    "until",
]
