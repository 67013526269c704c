"""The parts put together: a gateway over the accounts that a store holds."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from .catalogues import Catalogues
from .config import Config
from .gateway import Effects, Gateway
from .habits import Habits
from .models import Model, Naming
from .pool import Pool, Standing
from .store import Store
from .upstreams.notion_web.session import NotionWeb, connect


@asynccontextmanager
async def open_gateway(config: Config, store: Store) -> AsyncGenerator[Gateway]:
    """A gateway whose findings go back to the store, off the event loop."""

    async def keep_models(name: str, models: Sequence[Model]) -> None:
        await asyncio.to_thread(store.save_catalogue, name, models, time.time())

    async def keep_standing(standing: Standing) -> None:
        await asyncio.to_thread(store.save_standing, standing)

    async with connect(config.timeouts) as http:
        upstreams = {a.alias: NotionWeb(http, a, config) for a in store.accounts()}
        known = {s.name: s for s in store.standings()}
        catalogues = Catalogues(upstreams, store.catalogues(), keep=keep_models, clock=time.time)
        standings = [known.get(name, Standing(name)) for name in upstreams]
        pool = Pool(standings, config.proxy.longest_rest)
        try:
            yield Gateway(upstreams, pool, catalogues, habits(config), Effects(keep_standing))
        finally:
            await catalogues.close()


def habits(config: Config) -> Habits:
    """What the configuration says of a turn that does not say itself."""
    return Habits(
        naming=Naming(config.proxy.default_model, config.models.aliases, config.models.unknown),
        web_search=config.proxy.web_search,
        workspace_search=config.proxy.workspace_search,
        ask_mode=config.proxy.ask_mode,
        attempts=config.proxy.attempts,
    )
