"""The parts put together: a gateway over the accounts that a store holds."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ParamSpec

from .admission import Admission, Rules
from .catalogues import Catalogues
from .config import Config
from .conversations import LONGEST, Conversations
from .database import StoreProblem
from .gateway import Effects, Gateway
from .habits import Habits
from .journal import Journal
from .keeper import Keeper
from .models import Model, Naming
from .oracle import Oracle
from .pool import Pool
from .reports import Reports
from .roster import Roster
from .standing import bounded
from .store import Store
from .threads import Threads
from .upstreams import Upstream
from .upstreams.notion_web.calls import connect
from .upstreams.notion_web.session import NotionWeb

P = ParamSpec("P")
Chore = Callable[[], Coroutine[Any, Any, None]]
logger = logging.getLogger(__name__)


FOLLOWED = 1.0  # seconds: how soon an account added, renewed or removed elsewhere takes effect
AGAIN = 10.0  # seconds until a chore begins again that failed


@asynccontextmanager
async def open_gateway(
    config: Config, store: Store, journal: Journal | None = None, *, follow: bool = False
) -> AsyncGenerator[Gateway]:
    """A gateway whose findings go back to the store, off the event loop, and to the `journal`.

    It may `follow` the accounts of the store, whoever changes them.
    """
    journal = journal or Journal(store.notes)

    async def keep_models(name: str, models: Sequence[Model]) -> None:
        await _saved(store.save_catalogue, name, models, time.time())

    keep_allowance = partial(_saved, store.save_allowance)
    async with connect(config.timeouts) as http:
        upstreams: dict[str, Upstream] = {}
        pool = Pool((), config.pool.longest_rest, config.pool.concurrency)
        keeper = Keeper(store, pool, journal)
        reports = Reports(pool, keeper.keep)
        shelf = store.catalogues()
        catalogues = Catalogues(
            upstreams, shelf, keep=keep_models, clock=time.time, reports=reports
        )
        oracle = Oracle(upstreams, pool, keep_allowance, keeper.keep, time.time)
        kept = config.threads.retention * 3600
        threads = Threads(store, upstreams, kept, partial(_is_well, pool), reports)
        ledger = threads if kept >= 0 else None
        conversations = resumed(config, store)
        make = partial(NotionWeb, http, config=config, ledger=ledger)
        forget = conversations.forget if conversations else None
        roster, version = Roster(make, upstreams, pool, catalogues, forget), store.version()
        _recall(store, roster, pool, keeper)
        effects = Effects(keeper.keep, oracle.look, conversations=conversations)
        chores: list[Chore] = []
        if follow:
            following = partial(_follow, store, roster, pool, keeper, version)
            chores = [oracle.keep_looking, following]
            chores += [k.keep_house for k in (journal, ledger, conversations) if k is not None]
        async with _settled(keeper, threads, oracle, catalogues, conversations), _doing(chores):
            seats = Admission(pool, rules(config))
            yield Gateway(upstreams, seats, catalogues, habits(config), effects)


def _recall(store: Store, roster: Roster, pool: Pool, keeper: Keeper) -> None:
    """All accounts, and how they were doing."""
    now, longest = time.time(), pool.longest_rest
    stored = (bounded(standing, now, longest) for standing in store.standings())
    roster.enrol(store.accounts(), {standing.name: standing for standing in stored})
    pool.agree(store.terms())
    pool.recall(store.allowances())
    keeper.note_all()


@asynccontextmanager
async def _doing(chores: Iterable[Chore]) -> AsyncGenerator[None]:
    """What is done beside the answers, for as long as the block lasts."""
    tasks = [asyncio.create_task(_kept_up(chore)) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _kept_up(chore: Chore) -> None:
    """Whatever fails in it is a fault of ours: it is told, and the chore begins again."""
    while True:
        try:
            await chore()
        except Exception:
            logger.exception("a background chore failed")
        await asyncio.sleep(AGAIN)


@asynccontextmanager
async def _settled(
    keeper: Keeper,
    threads: Threads,
    oracle: Oracle,
    catalogues: Catalogues,
    conversations: Conversations | None,
) -> AsyncGenerator[None]:
    """Once the block is left, what is still owed to the store is paid."""
    try:
        yield
    finally:
        await oracle.close()
        await catalogues.close()
        await keeper.catch_up()
        await _saved_threads(threads)
        if conversations is not None:
            conversations.close()


def _is_well(pool: Pool, name: str) -> bool:
    return pool.is_well(name, time.time())


async def _follow(store: Store, roster: Roster, pool: Pool, keeper: Keeper, version: int) -> None:
    """For as long as the process runs. A look takes microseconds; a thread would take megabytes."""
    while True:
        await asyncio.sleep(FOLLOWED)
        await keeper.catch_up()
        try:
            now = store.version()
            if now != version:
                roster.enrol(store.accounts(), {})
                roster.reinstate(store.standings(), keeper.owes)
                roster.learn(store.allowances(), time.time())
                pool.agree(store.terms())
                keeper.note_all()
            version = now
        except StoreProblem as problem:
            logger.warning("%s; %s", problem, problem.remedy)


async def _saved_threads(threads: Threads) -> None:
    try:
        await threads.save()
    except StoreProblem as problem:
        logger.warning("%s; %s", problem, problem.remedy)


async def _saved(save: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """What could not be kept is found out again: no answer should fail for it."""
    try:
        await asyncio.to_thread(save, *args, **kwargs)
    except StoreProblem as problem:
        logger.warning("%s; %s", problem, problem.remedy)


def resumed(config: Config, store: Store) -> Conversations | None:
    """Where conversations go on; None where they do not, or their threads are deleted at once."""
    retention = config.threads.retention * 3600
    if not config.threads.resume or not retention:
        return None
    longest = LONGEST if retention < 0 else min(retention, LONGEST)
    return store.conversations(longest)


def habits(config: Config) -> Habits:
    """What the configuration says of a turn that does not say itself."""
    return Habits(
        naming=Naming(config.proxy.default_model, config.models.aliases, config.models.unknown),
        web_search=config.proxy.web_search,
        workspace_search=config.proxy.workspace_search,
        citations=config.search.citations,
        ask_mode=config.proxy.ask_mode,
        attempts=config.pool.attempts,
    )


def rules(config: Config) -> Rules:
    """What it says of those that must wait."""
    return Rules(config.pool.queue, config.pool.patience, home_wait=config.pool.home_wait)
