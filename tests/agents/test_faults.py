"""What agents do when something fails: rule 62, on the clients themselves.

The gateway of each test has one account, whose service fails as the question says. An agent must
come to the whole answer, or tell that it failed; half an answer for a whole one is what is lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from notion_manager.config import Config, Pool
from tests.agents.desk import MODEL, PACKAGES, Desk, claude_code, codex, desk_at, opencode
from tests.rig import KEY, QUICK, Rig, rigged

pytestmark = pytest.mark.agent
Agent = Callable[[Desk, str], str]


def _opencode(package: str, desk: Desk, told: str) -> str:
    return opencode(desk, package, told)


AGENTS: dict[str, Agent] = {
    "claude-code": claude_code,
    "codex": lambda desk, told: codex(desk, MODEL, told, retries=3, patience=4_000),
    **{f"opencode {name}": partial(_opencode, name) for name in PACKAGES},
}
each_agent = pytest.mark.parametrize(
    "agent",
    [
        pytest.param(agent, id=name, marks=[pytest.mark.slow] if "opencode" in name else [])
        for name, agent in AGENTS.items()
    ],
)
LONG = " ".join(f"word{number}" for number in range(400)) + " and that is all."


@pytest.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    timeouts = replace(QUICK, silence=60, commit_after=5, ping_every=1)
    config = Config(pool=Pool(longest_rest=1))
    async with rigged(tmp_path, config=config, timeouts=timeouts) as rig:
        yield rig


async def ask(rig: Rig, place: Path, agent: Agent, told: str) -> str:
    return await asyncio.to_thread(agent, desk_at(place, rig.url, KEY), told)


@each_agent
async def test_rule_62_half_an_answer_is_asked_for_again(
    rig: Rig, tmp_path: Path, agent: Agent
) -> None:
    """Rules 8, 42 and 55: in mid-stream the answer fails, and its body does not end cleanly.

    Claude Code keeps what it has and asks to go on, which the simulated model takes for a question;
    OpenCode tells the error where it is its question that broke off, and not that for a title.
    """
    told = f"[[sim:cut=lost]][[sim:fail-once]][[sim:lang=none]][[sim:echo={LONG}]]"
    output = await ask(rig, tmp_path / "agent", agent, told)
    assert any(record.problem for record in rig.records)
    assert rig.sim.count("runInferenceTranscript") > 1
    whole = "and that is all." in output
    assert whole or "Error" in output or agent is claude_code


@each_agent
async def test_rule_62_a_failure_before_the_answer_is_tried_again(
    rig: Rig, tmp_path: Path, agent: Agent
) -> None:
    """Rules 9 and 10: it has a real status, which clients know how to take."""
    told = f"[[sim:500]][[sim:fail=3]][[sim:lang=none]][[sim:echo={LONG}]]"
    output = await ask(rig, tmp_path / "agent", agent, told)
    assert "and that is all." in output
    assert {record.status for record in rig.records} & {502, 503}


@each_agent
async def test_rule_62_silence_is_bridged_by_pings(rig: Rig, tmp_path: Path, agent: Agent) -> None:
    """Rules 30, 42 and 56: Codex gives up four seconds after the last event that it knows."""
    told = f"[[sim:think=10]][[sim:lang=none]][[sim:echo={LONG}]]"
    output = await ask(rig, tmp_path / "agent", agent, told)
    assert "and that is all." in output
    assert not any(record.problem or record.status == 499 for record in rig.records)


@each_agent
async def test_rule_62_a_wrong_key_is_not_tried_for_minutes(
    rig: Rig, tmp_path: Path, agent: Agent
) -> None:
    """Rule 11."""
    desk = desk_at(tmp_path / "agent", rig.url, "nm-wrong")
    async with asyncio.timeout(60):
        output = await asyncio.to_thread(agent, desk, "Hello")
    assert "key" in output.lower() or "401" in output
