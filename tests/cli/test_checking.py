"""A check of many accounts at once, as another program than the server makes it."""

import dataclasses
from pathlib import Path

from notion_manager.catalogues import AT_ONCE
from notion_manager.cli.wiring import check
from notion_manager.config import Config
from notion_manager.simulator import Simulator
from notion_manager.store import Store
from tests.rig import account_of, someone

READS = 4  # of one account


async def test_a_check_that_meets_the_network_edge_asks_of_no_more_accounts(tmp_path: Path) -> None:
    people = [someone(number, "challenge everywhere") for number in range(1, 21)]
    notion = Simulator(accounts=people)
    async with notion.running() as upstream:
        config = Config()
        config = dataclasses.replace(
            config, notion=dataclasses.replace(config.notion, base_url=upstream)
        )
        with Store(tmp_path / "state.sqlite3") as store:
            for number, who in enumerate(people):
                store.put_account(account_of(who, f"a{number}"))
            checked = await check(config, store, store.accounts())
            assert {c.problem.code for c in checked if c.problem} == {"upstream_challenge"}
            assert len(checked) == len(store.standings()) == len(people)
    assert len(notion.requests) <= READS * AT_ONCE
