"""A running simulator and somebody to call it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from simguest import Guest, Visit

from notion_manager.simulator import Simulator


@pytest.fixture
def visit() -> Visit:
    """What begins a visit, given the options of its simulator."""

    @asynccontextmanager
    async def visiting(**options: Any) -> AsyncGenerator[Guest]:
        sim = Simulator(**options)
        async with sim.running() as url, aiohttp.ClientSession() as session:
            yield Guest(sim, url, session, sim.accounts[0])

    return visiting


@pytest.fixture
async def guest(visit: Visit) -> AsyncGenerator[Guest]:
    async with visit() as guest:
        yield guest
