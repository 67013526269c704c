"""What is left decides who answers, in a daemon over a simulated Notion."""

import dataclasses
from pathlib import Path

import pytest

import notion_manager.oracle
from notion_manager.simulator import SimAccount
from notion_manager.store import Store
from tests.asking import CHAT
from tests.rig import Rig, account_of, rigged, someone, until

FREE = {"plan": "personal", "tier": "free", "user_limit": 75, "premium": 0}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace of looks, for tests that wait for them."""
    monkeypatch.setattr(notion_manager.oracle, "PACE", 0.01)
    monkeypatch.setattr(notion_manager.oracle, "SPENT", 0.05)


def free(number: int, used: int) -> SimAccount:
    who = someone(number)
    return dataclasses.replace(who, spaces=(dataclasses.replace(who.spaces[0], **FREE, used=used),))


async def asked(rig: Rig, text: str = "hi") -> tuple[int, str]:
    async with await rig.post(CHAT.path, CHAT.ask(text)) as r:
        return r.status, r.headers.get("x-notion-manager-account", "")


async def looked(rig: Rig, accounts: int) -> None:
    await until(lambda: len(rig.store.allowances()) == accounts)


async def parked(rig: Rig) -> None:
    """An allowance is stored first, and what follows from it for the account after that."""
    await until(lambda: any(s.reason for s in rig.store.standings()))


async def test_who_has_most_left_answers_and_who_has_nothing_is_not_asked(tmp_path: Path) -> None:
    people = [free(1, used=75), free(2, used=60), free(3, used=3)]
    async with rigged(tmp_path, people) as rig:
        await looked(rig, 3)
        await parked(rig)
        assert {await asked(rig) for _ in range(4)} == {(200, "three")}
        (standing,) = [s for s in rig.store.standings() if s.name == "one"]
        assert (standing.reason, standing.evidence) == (
            "insufficient_quota",
            "not eligible: 75 of 75 (user)",
        )


async def test_a_rest_ends_when_a_look_finds_room(tmp_path: Path) -> None:
    async with rigged(tmp_path, [free(1, used=75)]) as rig:
        await parked(rig)
        assert (await asked(rig))[0] == 429
        rig.sim.begin_period()
        await until(lambda: not [s for s in rig.store.standings() if s.reason])
        assert await asked(rig) == (200, "one")


async def test_a_real_wall_is_the_allowance_and_another_account_answers(tmp_path: Path) -> None:
    async with rigged(tmp_path, [free(1, used=74), free(2, used=74)]) as rig:
        await looked(rig, 2)
        answers = [await asked(rig) for _ in range(3)]
        assert [status for status, _ in answers] == [200, 200, 429]
        assert {name for _, name in answers[:2]} == {"one", "two"}


async def test_a_wall_before_the_services_own_choice_of_a_model_is_looked_behind(
    tmp_path: Path,
) -> None:
    async with rigged(tmp_path, [someone(1, "exhausted=start"), someone(2)]) as rig:
        ask = {**CHAT.ask("hi"), "model": "auto"}
        async with await rig.post(CHAT.path, ask) as r:
            assert r.headers["x-notion-manager-tried"] == "one model_not_available"
        stood = {s.name: s for s in rig.store.standings()}
        assert (stood["one"].reason, list(stood["one"].models)) == ("", ["auto"])


async def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    async with rigged(tmp_path, [free(1, used=75)]) as rig:
        await parked(rig)
    with Store(tmp_path / "state.sqlite3") as store:
        assert store.allowances()["one"].headroom == 0
        (standing,) = store.standings()
        assert standing.reason == "insufficient_quota"


async def test_a_workspace_that_is_refused_is_looked_for_in_the_login(tmp_path: Path) -> None:
    """One that is still listed only rests; one that is not, or whose login is dead, is retired."""
    async with rigged(tmp_path, [someone(1, "403"), someone(2)]) as rig:
        foreign = dataclasses.replace(
            account_of(someone(1), "elsewhere"), space_id=someone(3).spaces[0].id
        )
        with Store(tmp_path / "state.sqlite3") as elsewhere:
            elsewhere.put_account(foreign)
        await until(lambda: any(s.name == "elsewhere" for s in rig.store.standings()))
        assert {await asked(rig) for _ in range(3)} == {(200, "two")}
        stood = {s.name: s for s in rig.store.standings()}
        assert stood["elsewhere"].retired
        assert (stood["one"].retired, stood["one"].reason) == (False, "workspace_unavailable")
        assert stood["one"].ready_at > stood["one"].since


@pytest.mark.parametrize(
    ("scenario", "reason", "retired"),
    [
        ("400-empty", "upstream_unavailable", False),
        ("400-empty everywhere", "account_unauthorized", True),
    ],
)
async def test_a_refusal_without_a_word_is_looked_for_in_the_login(
    tmp_path: Path, scenario: str, reason: str, *, retired: bool
) -> None:
    """It may be all that a dead token gets, or only what was asked."""
    async with rigged(tmp_path, [someone(1, scenario), someone(2)]) as rig:
        assert {await asked(rig) for _ in range(3)} == {(200, "two")}
        stood = {s.name: s for s in rig.store.standings()}
        assert (stood["one"].reason, stood["one"].retired) == (reason, retired)
        assert rig.sim.count("loadUserContent") >= 1
