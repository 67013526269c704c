"""A server that is killed loses nothing that a client has got."""

import json
import signal
import urllib.request
from typing import Any

from notion_manager.simulator import Simulator
from tests.cli.daemon import Served, served
from tests.cli.terminal import Run

OWN = "a key of my own, long"


def say(server: Served, said: list[Any]) -> str:
    """Goes on with a conversation: where that was."""
    said.append({"role": "user", "content": f"[[sim:echo=answer {len(said)}]] go on"})
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/v1/chat/completions",
        json.dumps({"model": "auto", "messages": said}).encode(),
        {"Authorization": f"Bearer {OWN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        said.append(json.load(answer)["choices"][0]["message"])
        return answer.headers["x-notion-manager-thread"]


def used(run: Run) -> int:
    return sum(row["requests"] for row in json.loads(run("usage", "--json").stdout))


def test_conversations_go_on_and_usage_adds_up_through_kills(
    env: dict[str, str], run: Run, notion: Simulator
) -> None:
    token = notion.accounts[0].token_v2
    assert run("accounts", "add", "--token-v2", "-", stdin=token).exit_code == 0
    env["NOTION_MANAGER_API_KEY"] = OWN
    conversations: list[list[Any]] = [[], []]
    threads: list[str] = []
    for life in range(4):
        with served(env) as server:
            threads += [say(server, said) for said in conversations]
            if life % 2:
                assert used(run) == len(threads)
                threads += [say(server, said) for said in conversations]
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    assert threads == ["new"] * 2 + ["continued"] * 10
    assert [used(run), used(run)] == [len(threads)] * 2
