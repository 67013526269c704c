"""The gateway: failing over is free until the first content, and impossible after it."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from notion_manager.allowance import Allowance
from notion_manager.errors import (
    AccountRefused,
    ContextTooLong,
    EmptyAnswer,
    FeatureRefused,
    ModelUnavailable,
    NoAccount,
    UnknownModel,
    UpstreamBroken,
)
from notion_manager.habits import Habits
from notion_manager.models import Naming
from notion_manager.standing import Standing
from notion_manager.turn import Message, Search, Text, Thinking, Turn
from tests.scripted import ASK, DONE, HANG, MODELS, Scripted, Shelved, gateway, read, says


async def test_an_answer_comes_through_batch_by_batch() -> None:
    gate = gateway({"a": Scripted(says("Hel", "lo"))})
    async with gate.open(ASK) as answer:
        batches = [list(b) async for b in answer.batches()]
    assert batches == [[Text("Hel")], [Text("lo")], [DONE]]
    assert (answer.account, answer.model) == ("a", "opus-4.6")


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


async def test_what_an_account_lacks_is_learned_once_for_all_spellings_of_its_name() -> None:
    ups = {"a": Scripted([WALL]), "b": Scripted(*[says("yo")] * 4)}
    ups["a"].left = Allowance(0.0)
    gate = gateway(ups)
    for spelling in ("opus-4.6", "Opus-4.6", "anthropic/opus-4.6", " opus-4.6-ask:high"):
        assert await read(gate, replace(ASK, model=spelling)) == ("b", "yo")
    assert list(gate.pool.standings["a"].models) == ["opus-4.6"]


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


async def test_nobody_waits_long_for_a_look_behind_a_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notion_manager.gateway.LOOK", 0.01)
    ups = {"a": Scripted([WALL]), "b": Scripted(says("yo"))}
    ups["a"].looking = asyncio.Event().wait
    gate = gateway(ups)
    assert await read(gate) == ("b", "yo")
    assert gate.pool.standings["a"].reason == "insufficient_quota"


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

    async def keep(standings: Sequence[Standing]) -> None:
        kept.extend(standings)

    gate = gateway({"a": Scripted([AccountRefused("dead")])}, keep=keep)
    with pytest.raises(AccountRefused):
        await read(gate)
    assert [(s.name, s.retired) for s in kept] == [("a", True)]


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
