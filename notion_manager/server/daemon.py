"""The daemon: the gateway behind a listening socket."""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from ..alarms import Alarms
from ..assembly import open_gateway
from ..bridging import Bridge
from ..config import Config
from ..journal import Journal
from ..logs import RequestRecord
from ..redact import redactor
from ..secret import Secret
from ..store import Store
from .admin import Admin
from .answer import Desk
from .app import Door, refusing, serving
from .fetching import Fetcher
from .guard import Guard
from .keyring import Keyring
from .listener import Address, Ways, listening
from .memory import Memory
from .models import Shelf
from .pages import Pages
from .underway import Underway

SWEEP = 12_000  # objects made and not freed between two looks at the young ones


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the daemon is told besides its configuration. `key` is one of this process alone."""

    key: Secret
    simulated: bool
    log: Callable[[RequestRecord], None]


@asynccontextmanager
async def running(
    config: Config, store: Store, circumstances: Circumstances
) -> AsyncGenerator[Address]:
    """Serve inside the block. Raises OSError where the address cannot be had."""
    journal = Journal(store.notes)

    def heed(record: RequestRecord) -> None:
        circumstances.log(record)
        journal.note(record)

    underway = Underway()
    redact = redactor([circumstances.key, *(a.token_v2 for a in store.accounts())])
    async with open_gateway(config, store, journal, follow=True) as gateway:
        silent = set[asyncio.Protocol]()
        keyring = Keyring(store, circumstances.key, time.monotonic)
        bridge = Bridge(gateway, store.salt())
        fetcher = Fetcher() if config.files.fetch_urls else None
        serve = serving(
            Desk(bridge, Memory(), config.timeouts, Alarms(), underway, fetcher),
            Door(Guard(config.server), keyring, heed, silent, underway, redact),
            Shelf(gateway),
            Pages(gateway.admission, underway, simulated=circumstances.simulated),
            Admin(gateway, journal),
        )
        gateway.catalogues.refresh()
        ways = Ways(silent, underway.drain, partial(refusing, heed))
        async with listening(serve, config.server, config.timeouts, ways) as address:
            _spare_collector()
            yield address


def _spare_collector() -> None:
    """What the start made lives as long as the process: no collection need look at it again.

    Hundreds of short-lived objects an answer make the default of 700 a sweep in mid-answer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(SWEEP, *gc.get_threshold()[1:])
