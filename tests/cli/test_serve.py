import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from notion_manager.cli.serve import reach
from notion_manager.store import Store
from tests.cli.daemon import Served, served
from tests.cli.terminal import Run, script

OWN = "a key of my own, long"


def _get(url: str, key: str = "") -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:  # noqa: S310
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_demo_serves_with_the_key_that_it_shows(env: dict[str, str]) -> None:
    with served(env, "--demo") as server:
        printed = server.until("accounts check").split()
        assert server.output.index("OPENAI_BASE_URL") < server.output.index("[[sim:list]]")
        key = next(word for word in printed if word.startswith("nm-"))
        assert "Answers are simulated" in server.output
        assert _get(f"{server.url}/health") == 200
        assert _get(f"{server.url}/v1/models") == 401
        assert _get(f"{server.url}/v1/models", key) == 200
        assert server.stop() == 0
        assert f"ANTHROPIC_BASE_URL={server.url}" in server.output
        assert key not in server.log
    assert not Path(env["NOTION_MANAGER_STATE_DIR"]).exists()


def test_a_demo_clears_up_after_one_that_was_killed(env: dict[str, str], tmp_path: Path) -> None:
    env["TMPDIR"] = str(tmp_path / "tmp")
    Path(env["TMPDIR"]).mkdir()
    with served(env, "--demo") as server:
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    assert len(list(Path(env["TMPDIR"]).iterdir())) == 1
    with served(env, "--demo") as server:
        assert len(list(Path(env["TMPDIR"]).iterdir())) == 1
        assert server.stop() == 0
    assert not list(Path(env["TMPDIR"]).iterdir())


def test_the_first_key_is_shown_once_and_kept(env: dict[str, str]) -> None:
    with served(env) as server:
        assert server.stop(signal.SIGINT) == 0
        assert "nm-" in server.output
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        assert [key.name for key in store.keys()] == ["default"]  # noqa: SIM118 - a method of ours
    with served(env) as server:
        assert server.stop(signal.SIGTERM) == 0
        assert "nm-" not in server.output
        assert (
            "Clients need a key: one is stored; `notion-manager keys add NAME` creates another."
            in (server.output)
        )
        assert "`notion-manager accounts add` adds one, even while this runs" in server.output


@pytest.mark.parametrize("args", [(), ("--demo",)])
def test_a_key_from_the_environment_opens_the_server_and_is_named(
    env: dict[str, str], args: tuple[str, ...]
) -> None:
    env["NOTION_MANAGER_API_KEY"] = OWN
    with served(env, *args) as server:
        assert _get(f"{server.url}/v1/models", OWN) == 200
        assert server.stop() == 0
        assert "The key is the one in NOTION_MANAGER_API_KEY" in server.output
        assert '-H "Authorization: Bearer $NOTION_MANAGER_API_KEY"' in server.output
        assert "ANTHROPIC_AUTH_TOKEN=$NOTION_MANAGER_API_KEY" in server.output
        assert "OPENAI_API_KEY=$NOTION_MANAGER_API_KEY" in server.output
        assert "nm-" not in server.output
        assert "keys add" not in server.output
        assert OWN not in server.output + server.log


@pytest.mark.parametrize("key", ["shorty", " fifteen letters ", " "])
def test_a_key_from_the_environment_that_could_be_guessed_is_refused(
    env: dict[str, str], key: str
) -> None:
    done = script({**env, "NOTION_MANAGER_API_KEY": key}, "serve", "--demo", "--port", "0")
    assert done.returncode == 3
    assert done.stderr.startswith(
        b"error: NOTION_MANAGER_API_KEY is shorter than 16 characters\n  "
    )
    assert not key.strip() or key.strip().encode() not in done.stdout + done.stderr


def test_blanks_round_a_key_from_the_environment_are_not_part_of_it(env: dict[str, str]) -> None:
    env["NOTION_MANAGER_API_KEY"] = f" {OWN}\n"
    with served(env) as server:
        assert _get(f"{server.url}/v1/models", OWN) == 200
        assert server.stop() == 0


def test_the_banner_says_what_the_demo_can_do(env: dict[str, str]) -> None:
    with served(env, "--demo") as server:
        assert server.stop() == 0
        assert "Claude Code:" in server.output
        assert "[[sim:list]]" in server.output
        assert "It lasts as long as this process" in server.output
        assert "keys add" not in server.output


def _ask(url: str, text: str) -> urllib.request.Request:
    body = {"messages": [{"role": "user", "content": text}], "stream": True}
    return urllib.request.Request(  # noqa: S310
        f"{url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {OWN}", "Content-Type": "application/json"},
    )


def test_the_demo_lets_refused_accounts_rest_for_seconds(env: dict[str, str]) -> None:
    env |= {"NOTION_MANAGER_API_KEY": OWN, "NOTION_MANAGER_POOL_ATTEMPTS": "1"}
    with served(env, "--demo") as server:
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(_ask(server.url, "[[sim:429=3600]] Hi"))  # noqa: S310
            caught.value.close()
        with urllib.request.urlopen(_ask(server.url, "Hi")) as answer:  # noqa: S310
            assert answer.status == 200
        assert server.stop() == 0


@pytest.mark.parametrize("fault", ["401", "ai-not-enabled"])
def test_the_demo_says_how_accounts_that_were_refused_come_back(
    env: dict[str, str], fault: str
) -> None:
    env["NOTION_MANAGER_API_KEY"] = OWN
    with served(env, "--demo") as server:
        printed = server.until("accounts check")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(_ask(server.url, f"[[sim:{fault}]] Hi"))  # noqa: S310
        caught.value.close()
        *places, _, noun, verb = printed.rpartition(":\n\n")[2].replace("\\\n", "").split()
        there = dict(each.split("=", 1) for each in places)
        assert script({**env, **there}, noun, verb).returncode == 0
        deadline = time.monotonic() + 10
        while _ready(server.url) < 2:
            assert time.monotonic() < deadline
        assert server.stop() == 0


def _ready(url: str) -> int:
    with urllib.request.urlopen(f"{url}/health") as answer:  # noqa: S310
        return json.load(answer)["pool"]["ready"]


@contextmanager
def under_way(env: dict[str, str]) -> Iterator[Served]:
    """A demo that clients wait for: it is silent in the middle of their answers."""
    env["NOTION_MANAGER_API_KEY"] = OWN
    with served(env, "--demo", log=False) as server, ExitStack() as clients:
        for _ in range(4):
            asked = urllib.request.urlopen(_ask(server.url, "[[sim:stall]] Hi"))  # noqa: S310
            assert clients.enter_context(asked).readline()
        yield server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_does_not_wait_and_is_quiet(
    env: dict[str, str], number: signal.Signals
) -> None:
    with under_way(env) as server:
        server.send(number)
        assert "Ctrl-C again to stop at once" in server.until("finishing the running answers")
        assert server.stop(number) == 130
        after = server.output.partition("Ctrl-C again to stop at once")[2]
        assert "Traceback" not in after
        assert "exception" not in after.lower()
        assert after.endswith("\ninterrupted\n")


def test_a_server_with_nothing_to_finish_says_nothing(env: dict[str, str]) -> None:
    with served(env) as server:
        assert server.stop(signal.SIGINT) == 0
        assert "finishing" not in server.log


def test_a_port_in_use_is_told(env: dict[str, str]) -> None:
    with served(env) as server:
        done = script(env, "serve", "--port", server.url.rpartition(":")[2])
    assert done.returncode == 1
    assert b"something else is listening on 127.0.0.1" in done.stderr
    assert b"--port" in done.stderr


def test_what_a_host_beyond_loopback_means_is_said_at_the_start() -> None:
    for url in ("http://0.0.0.0:3000", "http://192.168.1.7:3000", "http://[::]:3000"):
        assert "server.allowed_hosts" in reach(url)
    for url in ("http://127.0.0.1:3000", "http://[::1]:3000", "http://localhost:3000"):
        assert not reach(url)


def test_a_host_beyond_loopback_needs_a_word(run: Run) -> None:
    done = run("serve", "--host", "0.0.0.0")  # noqa: S104
    assert done.exit_code == 3
    assert "server.expose = true (--expose)" in done.stderr


def test_a_port_that_is_none_is_told_like_any_setting(run: Run) -> None:
    done = run("serve", "--port", "many")
    assert done.exit_code == 3
    assert "--port: expected a whole number" in done.stderr
