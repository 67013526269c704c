"""The parts joined for the command line: what takes an event loop is here, and only here."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..answers import Answer
from ..assembly import open_gateway
from ..bridging import Bridge
from ..catalogues import AT_ONCE
from ..config import Config
from ..errors import EdgeChallenged, Problem
from ..logs import configure
from ..models import Model
from ..secret import Secret
from ..server.daemon import Circumstances, running
from ..standing import Standing, after, taught
from ..store import Store, Thread
from ..threads import delete
from ..turn import Event, Turn
from ..upstreams.notion_web.account import Account, Login, preferred
from ..upstreams.notion_web.calls import connect, read_login
from ..upstreams.notion_web.session import NotionWeb
from .complaints import unbound
from .enrol import account_of, slug
from .scratch import scratch
from .stopping import Stopping

try:
    from uvloop import new_event_loop
except ImportError:  # it is not made for every system; asyncio's own loop does as well
    new_event_loop = None

T = TypeVar("T")

DEMO_REST = 10.0  # seconds: who tries faults should not have to wait for the accounts
PACE = 0.02  # seconds between the pieces of a simulated answer: fast, but seen to stream


def run(work: Coroutine[None, None, T]) -> T:
    """Raises KeyboardInterrupt where the work was cancelled, too: only signals cancel it."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except asyncio.CancelledError:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is closed; what is left takes no time
        raise KeyboardInterrupt from None


@dataclass(frozen=True, slots=True)
class Started:
    """What a person wants to know of a server that has just begun.

    `made` is a key that was made now, and is seen this once, or empty. `given` says that the
    environment has one. `keys` are the stored ones. `demo` is the simulated world, if it is one.
    """

    url: str
    made: Secret
    given: bool
    keys: int
    accounts: int
    demo: "Demo | None"


@dataclass(frozen=True, slots=True)
class Demo:
    """Where other commands find what a demo simulates, for as long as it runs."""

    state: Path
    notion: str


async def serve(
    config: Config, database: Path, *, demo: bool, key: Secret, announce: Callable[[Started], None]
) -> None:
    """Serve until SIGINT or SIGTERM; a second signal does not wait for answers under way.

    `key` is one more that opens the server, or empty. Raises OSError where the address cannot be
    had.
    """
    async with AsyncExitStack() as stack:
        config, store = await stack.enter_async_context(_world(config, database, demo=demo))
        known = [key, *(a.token_v2 for a in store.accounts())]
        circumstances = Circumstances(key, simulated=demo, log=configure(config.log, known=known))
        try:
            address = await stack.enter_async_context(running(config, store, circumstances))
        except OSError as exc:
            raise unbound(config.server, exc) from exc
        stopping = Stopping()
        stored = store.keys()
        keys = [key for key in stored if not key.admin]
        made = Secret("") if key or keys else store.add_key("default", now=int(time.time()))
        there = Demo(store.path.parent, config.notion.base_url) if demo else None
        announce(Started(address.url, made, bool(key), len(keys), len(store.accounts()), there))
        await stopping.asked.wait()


async def ask(
    config: Config,
    database: Path,
    turn: Turn,
    *,
    demo: bool,
    heed: Callable[[Answer, Sequence[Event]], None],
) -> None:
    """Put one turn to the accounts; `heed` gets the batches of the answer. Raises Problem."""
    async with (
        _world(config, database, demo=demo) as (there, store),
        open_gateway(there, store) as gateway,
    ):
        bridge = Bridge(gateway, store.salt())
        async with bridge.open(bridge.read(turn)) as answer:
            async for batch in answer.batches():
                heed(answer, batch)


async def models(config: Config, database: Path, *, demo: bool) -> Sequence[Model]:
    """What the accounts offer. Raises the Problem of the first account if none could tell."""
    async with (
        _world(config, database, demo=demo) as (there, store),
        open_gateway(there, store) as gateway,
    ):
        found = await gateway.catalogues.all(config.timeouts.api)
        for account in store.accounts()[: not found]:
            return await gateway.catalogues.of(account.alias)
        return found


async def purge(config: Config, store: Store, threads: Sequence[Thread]) -> int:
    """Delete them in Notion; how many are gone. Raises StoreProblem."""
    async with connect(config.timeouts) as http:
        upstreams = {a.alias: NotionWeb(http, a, config) for a in store.accounts()}
        return len(await delete(store, upstreams, threads))


async def login(config: Config, token: Secret, user: str = "") -> Login:
    """Whose token it is. A free read; raises Problem."""
    async with connect(config.timeouts) as http:
        return await read_login(http, config, token, user)


async def offered(config: Config, account: Account) -> Sequence[Model]:
    """The models of one account. A free read; raises Problem."""
    async with connect(config.timeouts) as http:
        return await NotionWeb(http, account, config).models()


@dataclass(frozen=True, slots=True)
class Checked:
    """How one account answered a free read."""

    alias: str
    models: int
    problem: Problem | None


async def check(config: Config, store: Store, accounts: Sequence[Account]) -> Sequence[Checked]:
    """Read from each account, a few at once, and keep in the store what came of it.

    One that answers has a clean standing, whatever was held against it; but a rest goes on, also
    that after a denial, of which a read tells nothing.
    """
    async with connect(config.timeouts) as http:
        turns = asyncio.Semaphore(AT_ONCE)
        edge: list[EdgeChallenged] = []  # whoever else is asked would meet it as well

        async def one(account: Account) -> Checked:
            async with turns:
                try:
                    if edge:
                        raise edge[0]
                    return await _checked(store, account.alias, NotionWeb(http, account, config))
                except Problem as problem:
                    if isinstance(problem, EdgeChallenged):
                        edge.append(problem)
                    stored = _stored(store, account.alias)
                    store.save_standings(after(stored, problem, time.time()))
                    return Checked(account.alias, 0, problem)

        return await asyncio.gather(*map(one, accounts))


async def _checked(store: Store, name: str, upstream: NotionWeb) -> Checked:
    """Raises Problem."""
    found, left = await asyncio.gather(upstream.models(), upstream.allowance())
    store.save_standings(taught(_taken_back(_stored(store, name)), left, time.time()))
    store.save_catalogue(name, found, time.time())
    store.save_allowance(name, left.since(store.allowances().get(name)))
    return Checked(name, len(found), None)


def _stored(store: Store, name: str) -> Standing:
    """As it is by now: a server may run."""
    return next((each for each in store.standings() if each.name == name), Standing(name))


def _taken_back(standing: Standing) -> Standing:
    rested = standing.careful and standing.ready_at <= time.time()
    return Standing(standing.name) if standing.retired or rested else standing


@asynccontextmanager
async def _world(
    config: Config, database: Path, *, demo: bool
) -> AsyncGenerator[tuple[Config, Store]]:
    """The person's own accounts, or a simulated Notion with people of its own.

    The demo keeps nothing, and touches nothing of the person's.
    """
    if not demo:
        with Store(database) as store:
            yield config, store
        return
    from ..simulator import Simulator, demo_accounts  # noqa: PLC0415 - a demo alone pays for it

    people = demo_accounts()
    with scratch() as directory:
        async with Simulator(accounts=people, pace=PACE, chunks="line").running() as url:
            config = replace(
                config,
                notion=replace(config.notion, base_url=url, proxy=""),
                pool=replace(config.pool, longest_rest=DEMO_REST),
            )
            with Store(directory / "demo" / "state.db") as store:
                for person in people:
                    await _enrol(config, store, Secret(person.token_v2))
                yield config, store


async def _enrol(config: Config, store: Store, token: Secret) -> None:
    found = await login(config, token)
    workspace = preferred(found.workspaces)
    if workspace is not None:
        store.put_account(account_of(found, workspace, token, slug(workspace.name)))
