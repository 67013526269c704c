"""The gateway: failing over is free until the first content, and impossible after it."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from notion_manager.allowance import Allowance
from notion_manager.errors import (
    AccountLeft,
    AccountRefused,
    BadRequest,
    Busy,
    ContextTooLong,
    Denied,
    EmptyAnswer,
    FeatureRefused,
    ModelUnavailable,
    NoAccount,
    Problem,
    RateLimited,
    TemporarilyUnavailable,
    UnknownModel,
    UpstreamBroken,
)
from notion_manager.gateway import Gateway
from notion_manager.habits import Habits
from notion_manager.models import Naming
from notion_manager.pool import Standing
from notion_manager.turn import Event, Message, Search, Text, Thinking, Turn, fold
from tests.scripted import DONE, HANG, MODELS, Clock, Scripted, Shelved, gateway, says

ASK = Turn("opus-4.6", (Message("user", (Text("hi"),)),))


async def read(gate: Gateway, turn: Turn = ASK) -> tuple[str, str]:
    """Who answered, and what."""
    events: list[Event] = []
    async with gate.open(turn) as answer:
        async for batch in answer.batches():
            events += batch
    text = "".join(p.text for p in fold(events).parts if isinstance(p, Text))
    return answer.account, text


async def test_an_answer_comes_through_batch_by_batch() -> None:
    gate = gateway({"a": Scripted(says("Hel", "lo"))})
    async with gate.open(ASK) as answer:
        batches = [list(b) async for b in answer.batches()]
    assert batches == [[Text("Hel")], [Text("lo")], [DONE]]
    assert (answer.account, answer.model) == ("a", "opus-4.6")


@pytest.mark.parametrize(
    "problem", [RateLimited("slow", retry_after=5), UpstreamBroken("gone"), AccountRefused("dead")]
)
async def test_another_account_is_asked_before_the_first_content(problem: RateLimited) -> None:
    ups = {"a": Scripted([problem]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    assert await read(gate) == ("b", "yo")
    assert gate.pool.standings["a"].reason == problem.code
    assert all(s.busy == 0 for s in gate.pool.standings.values())


async def test_one_that_leaves_before_it_is_asked_costs_no_answer() -> None:
    ups = {"a": Scripted(says("no")), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    del ups["a"]
    assert await read(gate) == ("b", "yo")
    del ups["b"]
    with pytest.raises(AccountLeft):
        await read(gate)


async def test_what_was_tried_before_is_told() -> None:
    ups = {
        "a": Scripted([RateLimited("slow", retry_after=5)]),
        "b": Scripted([UpstreamBroken("gone")]),
        "c": Scripted(says("yo")),
    }
    async with gateway(ups).open(ASK) as answer:
        assert answer.failures == ("a rate_limit_exceeded", "b upstream_error")
        assert answer.waited == 0
    gate = gateway({"a": Scripted([AccountRefused("dead")])})
    with pytest.raises(AccountRefused) as caught:
        await read(gate)
    assert caught.value.failures == ("a account_unauthorized",)
    clock = Clock()
    gate = gateway({"a": Scripted([RateLimited("x", retry_after=4)], says("yo"))}, clock=clock)
    async with gate.open(ASK) as answer:
        assert (answer.failures, answer.waited) == (("a rate_limit_exceeded",), 4)


async def test_empty_batches_are_no_content() -> None:
    ups = {"a": Scripted([[], [], UpstreamBroken("gone")]), "b": Scripted(says("yo"))}
    assert await read(gateway(ups)) == ("b", "yo")


async def test_thinking_is_content() -> None:
    ups = {"a": Scripted([[Thinking("hm")], UpstreamBroken("gone")]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    with pytest.raises(UpstreamBroken, match="gone"):
        await read(gate)
    assert not ups["b"].turns


async def test_after_content_nothing_is_sent_again_and_the_pool_hears_of_it() -> None:
    ups = {"a": Scripted([[Text("yo")], UpstreamBroken("gone")]), "b": Scripted(says("no"))}
    gate = gateway(ups)
    with pytest.raises(UpstreamBroken, match="gone"):
        await read(gate)
    assert gate.pool.standings["a"].strikes == 1
    assert not ups["b"].turns


async def test_a_denial_is_shown_and_not_got_round() -> None:
    ups = {"a": Scripted([Denied("no")]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    with pytest.raises(Denied):
        await read(gate)
    assert not ups["b"].turns


async def test_a_bad_request_goes_nowhere_else_and_blames_no_account() -> None:
    ups = {"a": Scripted([BadRequest("no")]), "b": Scripted(says("yo"))}
    gate = gateway(ups)
    with pytest.raises(BadRequest):
        await read(gate)
    assert gate.pool.standings["a"].reason == ""


async def test_a_lone_account_is_asked_once_more_at_once_after_a_hiccup() -> None:
    clock = Clock()
    gate = gateway({"a": Scripted([EmptyAnswer("nothing")], says("yo"))}, clock=clock)
    assert await read(gate) == ("a", "yo")
    assert not any(clock.slept)


async def test_a_short_rest_is_waited_for() -> None:
    clock = Clock()
    gate = gateway({"a": Scripted([RateLimited("x", retry_after=4)], says("yo"))}, clock=clock)
    assert await read(gate) == ("a", "yo")
    assert sum(clock.slept) == 4


async def test_when_all_rest_for_long_the_client_hears_what_the_service_said() -> None:
    gate = gateway({"a": Scripted([RateLimited("slow down", retry_after=60)])})
    with pytest.raises(RateLimited, match="slow down"):
        await read(gate)
    with pytest.raises(Busy) as caught:
        await read(gate)
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    "last",
    [RateLimited("slow", retry_after=50), AccountRefused("dead"), UpstreamBroken("gone")],
)
async def test_the_client_is_told_when_the_first_account_is_due_not_the_last(
    last: Problem,
) -> None:
    ups = {"a": Scripted([RateLimited("slow", retry_after=20)]), "b": Scripted([last], [last])}
    gate = gateway(ups)
    with pytest.raises(type(last)) as caught:
        await read(gate)
    assert caught.value.retry_after == 20
    with pytest.raises(Busy) as busy:
        await read(gate)
    assert busy.value.retry_after == 20


async def test_who_may_ask_again_at_once_is_told_no_time() -> None:
    ups = {"a": Scripted([ModelUnavailable("not this one")]), "b": Scripted([Denied("no")])}
    gate = gateway(ups)
    with pytest.raises(Denied) as caught:
        await read(gate)
    assert caught.value.retry_after is None
    only = gateway({"a": Scripted([ModelUnavailable("not this one")])})
    with pytest.raises(ModelUnavailable) as lacking:
        await read(only)
    assert lacking.value.retry_after is None


async def test_without_an_account_the_remedy_is_named() -> None:
    with pytest.raises(NoAccount, match="accounts add"):
        await read(gateway({}))


async def test_a_model_that_is_refused_is_asked_for_once_and_its_list_read_anew() -> None:
    up = Scripted([ModelUnavailable("retired")], says("never"))
    gate = gateway({"a": up}, shelf={"a": Shelved(MODELS, 1000.0)})
    up._models = (MODELS[1],)
    with pytest.raises(ModelUnavailable):
        await read(gate)
    assert len(up.turns) == 1
    await asyncio.sleep(0)
    assert await gate.catalogues.of("a") == (MODELS[1],)
    assert gate.pool.standings["a"].busy == 0


WALL = FeatureRefused("the allowance does not cover this")


async def test_a_wall_that_is_none_of_the_allowance_is_one_of_the_model() -> None:
    ups = {"a": Scripted([WALL]), "b": Scripted(says("yo"), says("yo"))}
    ups["a"].left = Allowance(0.0)
    gate = gateway(ups)
    assert await read(gate) == await read(gate) == ("b", "yo")
    assert gate.pool.standings["a"].reason == ""
    assert list(gate.pool.standings["a"].models) == ["opus-4.6"]
    alone = gateway({"a": Scripted([WALL])})
    with pytest.raises(FeatureRefused):
        await read(alone)
    assert alone.pool.standings["a"].reason == "insufficient_quota"


@pytest.mark.parametrize("model", ["auto", "", "default"])
async def test_a_wall_that_is_none_of_the_allowance_may_be_one_of_the_services_own_choice(
    model: str,
) -> None:
    ups = {"a": Scripted([WALL]), "b": Scripted(says("yo"), says("yo"))}
    ups["a"].left = Allowance(0.0)
    gate, turn = gateway(ups), replace(ASK, model=model)
    assert await read(gate, turn) == await read(gate, turn) == ("b", "yo")
    assert gate.pool.standings["a"].reason == ""
    assert list(gate.pool.standings["a"].models) == ["auto"]


@pytest.mark.parametrize("model", ["opus-4.6", "auto"])
async def test_a_wall_of_the_allowance_rests_the_account(model: str) -> None:
    ups = {"a": Scripted([WALL]), "b": Scripted(says("yo"))}
    ups["a"].left = Allowance(0.0, eligible=False)
    gate = gateway(ups)
    assert await read(gate, replace(ASK, model=model)) == ("b", "yo")
    assert gate.pool.standings["a"].reason == "insufficient_quota"


async def test_in_an_outage_second_tries_come_to_an_end() -> None:
    names = [f"n{number}" for number in range(40)]
    ups = {name: Scripted([UpstreamBroken("gone")], [UpstreamBroken("gone")]) for name in names}
    gate = gateway(ups, Habits(attempts=20))
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await read(gate)
    assert sum(len(up.turns) for up in ups.values()) == 2 + 10


async def test_every_account_that_may_do_better_is_asked_before_a_request_is_refused() -> None:
    troubles = [
        AccountRefused("dead"),
        ModelUnavailable("not this one"),
        RateLimited("slow", retry_after=600),
        FeatureRefused("spent"),
        UpstreamBroken("gone"),
    ]
    ups = {f"n{n}": Scripted([troubles[n % 5]]) for n in range(15)}
    ups["well"] = Scripted(says("yo"))
    assert await read(gateway(ups)) == ("well", "yo")
    assert [len(up.turns) for up in ups.values()] == [1] * 16


@pytest.mark.parametrize("accounts", [1, 2, 5])
async def test_after_all_were_asked_one_of_them_is_asked_once_more(accounts: int) -> None:
    ups = {f"n{n}": Scripted(*[[UpstreamBroken("gone")]] * 3) for n in range(accounts)}
    with pytest.raises(UpstreamBroken) as caught:
        await read(gateway(ups))
    assert sorted(len(up.turns) for up in ups.values()) == [1] * (accounts - 1) + [2]
    assert len(caught.value.failures) == accounts + 1


async def test_the_account_that_is_asked_once_more_need_not_be_the_last_one() -> None:
    ups = {
        "a": Scripted([UpstreamBroken("gone")], says("yo")),
        "b": Scripted([AccountRefused("dead")]),
    }
    assert await read(gateway(ups)) == ("a", "yo")


async def test_a_refusal_that_lasts_hours_is_taken_to_one_other_account() -> None:
    ups = {name: Scripted([TemporarilyUnavailable("later")]) for name in "abcde"}
    with pytest.raises(TemporarilyUnavailable):
        await read(gateway(ups))
    assert sorted(len(up.turns) for up in ups.values()) == [0, 0, 0, 1, 1]


async def test_attempts_are_bounded() -> None:
    ups = {n: Scripted([RateLimited("x", retry_after=600)]) for n in "abcde"}
    with pytest.raises(RateLimited):
        await read(gateway(ups, Habits(attempts=3)))
    assert sum(len(u.turns) for u in ups.values()) == 3


async def test_a_stream_that_says_nothing_is_an_empty_answer() -> None:
    with pytest.raises(EmptyAnswer):
        await read(gateway({"a": Scripted([], [])}))


async def test_a_client_that_leaves_frees_the_seat_and_strikes_nobody() -> None:
    ups = {"a": Scripted([HANG])}
    gate = gateway(ups)
    task = asyncio.create_task(read(gate))
    await ups["a"].opened.wait()
    assert gate.pool.standings["a"].busy == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ups["a"].closed.is_set()
    assert (gate.pool.standings["a"].busy, gate.pool.standings["a"].strikes) == (0, 0)


async def test_the_upstream_is_told_the_models_own_name_and_settled_questions() -> None:
    ups = {"a": Scripted(says("yo"))}
    await read(gateway(ups, Habits(web_search=False, workspace_search=True)))
    sent = ups["a"].turns[0]
    assert sent.model == "avocado-froyo-medium"
    assert sent.search == Search(web=False, workspace=True)
    assert sent.read_only is True


async def test_a_request_may_settle_its_own_questions() -> None:
    ups = {"a": Scripted(says("yo"))}
    turn = Turn(
        "opus-4.6-ask", ASK.messages, search=Search(web=False), effort="low", read_only=None
    )
    await read(gateway(ups, Habits(ask_mode=False)), turn)
    sent = ups["a"].turns[0]
    assert (sent.search.web, sent.read_only, sent.effort) == (False, True, "low")


async def test_a_model_that_nobody_has_is_unknown() -> None:
    gate = gateway({"a": Scripted(), "b": Scripted()})
    with pytest.raises(UnknownModel):
        await read(gate, Turn("no-such-model", ASK.messages))


async def test_auto_leaves_the_model_to_the_service() -> None:
    ups = {"a": Scripted(says("yo"))}
    gate = gateway(ups, Habits(naming=Naming(default="auto")))
    async with gate.open(Turn("", ASK.messages)) as answer:
        assert answer.model == "auto"
    assert ups["a"].turns[0].model == ""


async def test_a_model_that_one_account_lacks_is_asked_of_another() -> None:
    only = (MODELS[1],)
    ups = {"a": Scripted(models=only), "b": Scripted(says("yo"))}
    gate = gateway(ups, Habits(naming=Naming(unknown="refuse")))
    assert await read(gate) == ("b", "yo")
    assert gate.pool.standings["a"].reason == ""


async def test_rule_32_a_prompt_that_cannot_fit_is_told_before_anything_is_sent() -> None:
    small = replace(MODELS[0], context=100, output=20)
    ups = {"a": Scripted(says("yo"), models=(small,))}
    gate = gateway(ups)
    assert await read(gate, Turn("opus-4.6", (Message("user", (Text("word " * 70),)),))) == (
        "a",
        "yo",
    )
    with pytest.raises(ContextTooLong, match=r"prompt is too long: \d+ tokens > 80 maximum"):
        await read(gate, Turn("opus-4.6", (Message("user", (Text("word " * 90),)),)))
    assert len(ups["a"].turns) == 1


async def test_nothing_asked_is_answered_with_nothing_and_spends_nothing() -> None:
    ups: dict[str, Scripted] = {"a": Scripted()}
    assert await read(gateway(ups), Turn("x", (Message("user", (Text(""),)),))) == ("", "")
    assert not ups["a"].turns


async def test_changed_standings_are_kept_before_the_client_hears() -> None:
    kept: list[Standing] = []

    async def keep(standing: Standing) -> None:
        kept.append(standing)

    gate = gateway({"a": Scripted([AccountRefused("dead")])}, keep=keep)
    with pytest.raises(AccountRefused):
        await read(gate)
    assert [(s.name, s.retired) for s in kept] == [("a", True)]


# catalogues


async def test_a_catalogue_that_cannot_be_read_is_the_accounts_problem() -> None:
    ups = {"a": Scripted(models=AccountRefused("dead")), "b": Scripted(says("yo"))}
    assert await read(gateway(ups)) == ("b", "yo")


async def test_a_stale_catalogue_is_served_while_a_new_one_is_fetched() -> None:
    old = {"a": Shelved(MODELS, 0.0)}
    newer = (MODELS[1],)
    gate = gateway({"a": Scripted(says("yo"), models=newer)}, shelf=old)
    assert await read(gate) == ("a", "yo")
    await asyncio.sleep(0)
    assert await gate.catalogues.of("a") == newer


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


async def test_an_effort_that_the_model_does_not_offer_is_named() -> None:
    gate = gateway({"a": Scripted(says("yo"), says("yo"))})
    async with gate.open(Turn("gpt-5.4-mini", ASK.messages, effort="high")) as answer:
        assert answer.ignored == ("effort",)
    async with gate.open(Turn("opus-4.6", ASK.messages, effort="high")) as answer:
        assert answer.ignored == ()


@pytest.mark.parametrize(
    ("default", "told"), [("nonsense", 1), ("opus-4.6", 0), ("auto", 0), ("claude-opus-9", 0)]
)
async def test_a_default_that_means_nothing_is_said_once(
    default: str, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    gate = gateway({"a": Scripted(says("1"), says("2"))}, Habits(naming=Naming(default=default)))
    for _ in range(2):
        async with gate.open(replace(ASK, model="")) as answer:
            assert answer.choice.how == "default"
    assert [record.levelname for record in caplog.records if default in record.message] == (
        ["WARNING"] * told
    )
