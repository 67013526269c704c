"""What only a person can mend is said once, with its remedy."""

import re
from pathlib import Path

import pytest

from notion_manager.errors import (
    AccountRefused,
    AiDisabled,
    Denied,
    EdgeChallenged,
    Problem,
    RateLimited,
    WorkspaceRefused,
)
from notion_manager.pool import Pool
from notion_manager.reports import REMEDIES, Reports
from notion_manager.standing import Standing
from tests.asking import CHAT
from tests.rig import rigged, someone
from tests.scripted import keep_nothing

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"


def reports(*names: str) -> Reports:
    pool = Pool([])
    for name in names:
        pool.join(Standing(name), login="the same")
    return Reports(pool, keep_nothing)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            AccountRefused("dead"),
            "home, work is used no more, account_unauthorized: `accounts add`",
        ),
        (WorkspaceRefused("no"), "home is used no more, workspace_unavailable: check it"),
        (AiDisabled("off"), "home is used no more, ai_not_enabled: switch it on"),
        (EdgeChallenged("html"), "home met the network edge, upstream_challenge: it concerns"),
    ],
)
async def test_what_a_person_must_mend_is_said_once(
    problem: Problem, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard = reports("home", "work")
    for _ in range(3):
        await heard.note("home", problem, 1000.0)
    (record,) = caplog.records
    assert (record.levelname, record.message.startswith(said)) == ("WARNING", True)


async def test_the_last_of_three_denials_is_said(caplog: pytest.LogCaptureFixture) -> None:
    heard = reports("home")
    for number in range(4):
        await heard.note("home", Denied("no"), 1000.0 * number)
        assert len(caplog.records) == (number >= 2)
    assert "home is used no more, upstream_denied" in caplog.text


async def test_a_challenge_is_said_again_when_its_rest_was_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = reports("home", "work")
    for now in (1000.0, 1100.0, 5000.0):
        await heard.note("work", EdgeChallenged("html"), now)
    assert len(caplog.records) == 2


async def test_what_passes_by_itself_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    heard = reports("home")
    await heard.note("home", RateLimited("slow"), 1000.0)
    await heard.note("home", None, 2000.0)
    assert not caplog.records


async def test_an_account_that_a_request_loses_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(tmp_path, people=[someone(1, "401"), someone(2)]) as rig:
        async with await rig.post(CHAT.path, CHAT.ask("hi")) as r:
            assert r.headers["x-notion-manager-account"] == "two"
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == [
        f"one is used no more, account_unauthorized: {REMEDIES['account_unauthorized']}"
    ]


def test_the_remedies_are_those_of_the_documentation() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", OPERATIONS.read_text(), re.MULTILINE)
    told = {reason: todo for reason, todo in rows if reason in REMEDIES}
    assert {reason: todo.startswith(REMEDIES[reason]) for reason, todo in told.items()} == (
        dict.fromkeys(REMEDIES, True)
    )
