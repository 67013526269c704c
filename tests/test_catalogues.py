"""Lists of models: at hand for every request, and fetched without being in its way."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from notion_manager.catalogues import AT_ONCE, Catalogues
from notion_manager.errors import (
    AccountLeft,
    AccountRefused,
    EdgeChallenged,
    ModelUnavailable,
    Problem,
)
from notion_manager.models import Model
from notion_manager.pool import Pool
from notion_manager.reports import Reports
from notion_manager.standing import Standing, Terms
from tests.scripted import MODELS, Clock, Scripted, Shelved, gateway, keep_nothing, read, says


async def test_a_catalogue_that_cannot_be_read_is_the_accounts_problem() -> None:
    ups = {"a": Scripted(models=AccountRefused("dead")), "b": Scripted(says("yo"))}
    assert await read(gateway(ups)) == ("b", "yo")


@pytest.mark.parametrize("fetched_at", [0.0, 5000.0])
async def test_a_stale_catalogue_is_served_while_a_new_one_is_fetched(fetched_at: float) -> None:
    """So is one from the future: the clock was put back."""
    old = {"a": Shelved(MODELS, fetched_at)}
    newer = (MODELS[1],)
    gate = gateway({"a": Scripted(says("yo"), models=newer)}, shelf=old)
    assert await read(gate) == ("a", "yo")
    await asyncio.sleep(0)
    assert await gate.catalogues.of("a") == newer


async def test_a_catalogue_from_the_future_is_fetched_before_it_is_needed() -> None:
    """The clock was put back since."""
    newer = (MODELS[1],)
    gate = gateway({"a": Scripted(models=newer)}, shelf={"a": Shelved(MODELS, 5000.0)})
    gate.catalogues.refresh()
    await _settled()
    assert await gate.catalogues.of("a") == newer


async def test_a_catalogue_is_not_taken_for_that_of_another_under_the_same_name() -> None:
    asked, may = list[str](), asyncio.Event()
    ups: dict[str, Scripted] = {"a": Slow("a", asked, may)}
    gate = gateway(ups)
    gate.catalogues.renew("a")
    await _settled()
    ups["a"] = Scripted(models=(MODELS[1],))
    may.set()
    await _settled()
    assert await gate.catalogues.of("a") == (MODELS[1],)


async def test_what_an_old_token_reads_is_not_kept_for_the_new_one() -> None:
    asked, may = list[str](), asyncio.Event()
    old, new = Slow("a", asked, may), Scripted(models=(MODELS[1],))
    ups: dict[str, Scripted] = {"a": old}
    gate = gateway(ups, shelf={"a": Shelved((), 1000.0)})
    gate.catalogues.renew("a")
    await _settled()
    new.identity, ups["a"] = old.identity, new
    gate.catalogues.renew("a")
    await _settled()
    assert await gate.catalogues.of("a") == (MODELS[1],)
    may.set()
    await _settled()
    assert await gate.catalogues.of("a") == (MODELS[1],)


async def test_the_catalogue_of_one_that_left_is_not_read_anew() -> None:
    gate = gateway({"a": Scripted()})
    gate.catalogues.renew("ghost")
    assert await gate.catalogues.all(1.0) == list(MODELS)
    with pytest.raises(AccountLeft):
        await gate.catalogues.of("ghost")


async def test_an_empty_catalogue_never_wipes_a_good_one() -> None:
    old = {"a": Shelved(MODELS, 0.0)}
    gate = gateway({"a": Scripted(models=())}, shelf=old)
    gate.catalogues.refresh()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await gate.catalogues.of("a") == MODELS
    await gate.catalogues.close()


async def test_the_list_of_all_models_prefers_one_that_can_be_used() -> None:
    refused = replace(MODELS[0], refusal="not on this plan")
    shelf = {"a": Shelved((refused,), 1000.0), "b": Shelved(MODELS, 1000.0)}
    gate = gateway({"a": Scripted(), "b": Scripted()}, shelf=shelf)
    assert await gate.catalogues.all(1.0) == list(MODELS)


async def test_the_list_comes_in_time_whatever_the_upstream_does() -> None:
    class Stuck(Scripted):
        async def models(self) -> Sequence[object]:  # type: ignore[override]
            await asyncio.Event().wait()
            return ()

    gate = gateway({"a": Stuck(), "b": Scripted()})
    assert await gate.catalogues.all(0.01) == list(MODELS)
    await gate.catalogues.close()


async def test_a_failed_fetch_is_tried_anew_by_the_next_request() -> None:
    up = Scripted(says("yo"), models=ModelUnavailable("later"))
    gate = gateway({"a": up})
    with pytest.raises(ModelUnavailable):
        await gate.catalogues.of("a")
    up._models = MODELS
    assert await read(gate) == ("a", "yo")


class Slow(Scripted):
    """Its list comes once it may. `asked` are the names of those that were asked for theirs."""

    def __init__(self, name: str, asked: list[str], may: asyncio.Event) -> None:
        super().__init__()
        self._name, self._asked, self._may = name, asked, may
        self.wrong: Problem | None = None

    async def models(self) -> Sequence[Model]:
        self._asked.append(self._name)
        await self._may.wait()
        if self.wrong is not None:
            raise self.wrong
        return MODELS


async def test_a_few_lists_are_fetched_at_a_time_but_a_request_has_its_own_at_once() -> None:
    asked, may = list[str](), asyncio.Event()
    names = [f"n{number}" for number in range(20)]
    gate = gateway({name: Slow(name, asked, may) for name in names})
    gate.catalogues.refresh()
    all_of_them = asyncio.create_task(gate.catalogues.all(5.0))
    await _settled()
    assert asked == names[:AT_ONCE]
    own = asyncio.create_task(gate.catalogues.of("n19"))
    await _settled()
    assert asked[AT_ONCE:] == ["n19"]
    may.set()
    assert await own == MODELS
    assert await all_of_them == list(MODELS)
    assert sorted(asked) == sorted(names)


async def test_who_left_before_its_turn_is_not_asked() -> None:
    asked, may = list[str](), asyncio.Event()
    ups: dict[str, Scripted] = {f"n{n}": Slow(f"n{n}", asked, may) for n in range(AT_ONCE + 2)}
    gate = gateway(ups)
    gate.catalogues.refresh()
    await _settled()
    last = ups.popitem()[0]
    may.set()
    await gate.catalogues.all(5.0)
    assert sorted([*asked, last]) == sorted([*ups, last])


async def test_an_edge_challenge_is_reported_and_lists_that_can_wait_are_not_fetched() -> None:
    clock, asked, may = Clock(), list[str](), asyncio.Event()
    ups = {f"n{n}": Slow(f"n{n}", asked, may) for n in range(2 * AT_ONCE)}
    for up in ups.values():
        up.wrong = EdgeChallenged("a browser, please")
    pool = Pool(map(Standing, ups))
    reports = Reports(pool, keep_nothing)
    lists = Catalogues(ups, {}, keep=keep_nothing, clock=clock, reports=reports)
    lists.refresh()
    may.set()
    await _settled()
    assert len(asked) == AT_ONCE
    assert pool.is_paused(clock.now)
    with pytest.raises(EdgeChallenged):
        await lists.of("n7")
    clock.now += 301.0
    lists.refresh()
    await _settled()
    assert len(asked) == 2 * AT_ONCE + 1


async def test_no_list_is_fetched_ahead_for_an_account_that_is_not_used() -> None:
    asked, may = list[str](), asyncio.Event()
    ups = {name: Slow(name, asked, may) for name in ("disabled", "retired", "well")}
    pool = Pool([Standing("disabled"), Standing("retired", retired=True), Standing("well")])
    pool.agree({"disabled": Terms(enabled=False)})
    reports = Reports(pool, keep_nothing)
    lists = Catalogues(ups, {}, keep=keep_nothing, clock=Clock(), reports=reports)
    lists.refresh()
    may.set()
    assert await lists.all(5.0) == list(MODELS)
    assert asked == ["well"]


async def test_models_that_only_unused_accounts_have_are_not_listed() -> None:
    ups = {name: Scripted() for name in ("disabled", "retired", "well")}
    pool = Pool([Standing("disabled"), Standing("retired", retired=True), Standing("well")])
    pool.agree({"disabled": Terms(enabled=False)})
    shelf = {name: Shelved((replace(MODELS[0], id=name),), 1000.0) for name in ups}
    reports = Reports(pool, keep_nothing)
    lists = Catalogues(ups, shelf, keep=keep_nothing, clock=Clock(), reports=reports)
    assert [model.id for model in await lists.all(5.0)] == ["well"]
    pool.agree({})
    assert [model.id for model in await lists.all(5.0)] == ["disabled", "well"]


async def test_closing_ends_what_waits_for_its_turn() -> None:
    asked, may = list[str](), asyncio.Event()
    gate = gateway({f"n{n}": Slow(f"n{n}", asked, may) for n in range(AT_ONCE + 2)})
    gate.catalogues.refresh()
    await _settled()
    await gate.catalogues.close()
    may.set()
    await _settled()
    assert len(asked) == AT_ONCE


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
