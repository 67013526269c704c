import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click
import pytest

from notion_manager import __version__
from notion_manager.cli import COMMANDS, main
from notion_manager.cli.complaints import EXIT_CODES, about, complaining
from notion_manager.errors import Problem
from notion_manager.store import Store
from tests import goldens
from tests.cli.terminal import COMMAND, Run, person, script

MANUAL = Path(__file__).parents[2] / "docs" / "cli.md"


# Help


def _pages(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Each command's full name and help, parents first."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _pages(found, click.Context(found, info_name=name, parent=context))


def _help() -> Iterator[tuple[str, str]]:
    settings = {**main.context_settings, "terminal_width": 100}
    return _pages(main, click.Context(main, info_name="notion-manager", **settings))


def _manual() -> str:
    intro = "# The command line\n\nWritten from `--help`; `make golden` writes it anew.\n"
    return intro + "".join(f"\n## {name}\n\n```text\n{text}\n```\n" for name, text in _help())


def test_the_manual_is_what_help_says(*, rewrite: bool) -> None:
    goldens.check(MANUAL, _manual(), rewrite=rewrite)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = import_module(f"notion_manager.cli.{name}").command
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_every_page_of_help_has_an_example() -> None:
    for name, text in _help():
        assert "Example" in text or name == "notion-manager", name


def test_help_tells_every_exit_code(run: Run) -> None:
    text = run("--help").stdout
    assert all(f"{code:<4} {what}" in text for code, what in EXIT_CODES.items())


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout == f"notion-manager, version {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from notion_manager.cli import main; main(['--help'], standalone_mode=False);"
        "sys.exit(bool({'aiohttp', 'splintr'} & sys.modules.keys()))"
    )
    done = subprocess.run([COMMAND[0], "-c", code], capture_output=True, check=False)  # noqa: S603
    assert done.returncode == 0


# Errors


def _problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _problems(each)


@pytest.mark.parametrize("kind", list(_problems()))
def test_every_problem_has_a_remedy_and_a_documented_exit_code(kind: type[Problem]) -> None:
    problem = kind.__new__(kind)
    Problem.__init__(problem, "what happened")
    complaint = about(problem)
    assert complaint.message == "what happened"
    assert all(complaint.lines)
    assert complaint.exit_code in EXIT_CODES


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(run: Run) -> None:
    done = run("serv")
    assert done.exit_code == 2
    assert "serve" in done.stderr


def test_what_nobody_expected_is_reported_without_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = click.Context(main)
    expected = pytest.raises(click.ClickException, match="a fault of notion-manager")
    with expected as caught, complaining(context):
        raise KeyError("what the user wrote")
    assert caught.value.exit_code == 1
    assert "what the user wrote" not in capsys.readouterr().err


def test_an_unusable_state_directory_is_told(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env["NOTION_MANAGER_STATE_DIR"] = str(tmp_path / "file")
    done = run("keys", "list")
    assert done.exit_code == 1
    assert "NOTION_MANAGER_STATE_DIR" in done.stderr


def test_a_closed_pipe_is_no_traceback(env: dict[str, str]) -> None:
    command = f"{' '.join(COMMAND)} config show | head -1"
    done = subprocess.run(  # noqa: S602 - a pipe is the point
        command, shell=True, env={**os.environ, **env}, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr


def test_colours_are_for_terminals_that_want_them(env: dict[str, str]) -> None:
    env["XDG_CONFIG_HOME"] = env["NOTION_MANAGER_STATE_DIR"]
    missing = ("config", "check", "--config", "/no/such/file")
    assert b"\x1b[" not in script(env, *missing).stderr
    assert "\x1b[" not in person(env, *missing, types={})[1]
    del env["NO_COLOR"]
    assert "\x1b[" in person({**env, "TERM": "xterm"}, *missing, types={})[1]


# Serving


class Served:
    """A running server. What it prints and logs can be read at any time."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        assert process.stdout
        self.output = process.stdout.readline()
        self.url = self.output.split()[-1] if self.output else ""

    def until(self, text: str) -> str:
        """The rest of the output, up to the line with `text`."""
        assert self._process.stdout
        while text not in self.output and (line := self._process.stdout.readline()):
            self.output += line
        return self.output

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        self._process.send_signal(number)
        assert self._process.stdout
        self.output += self._process.stdout.read()
        return self._process.wait(timeout=10)

    @property
    def log(self) -> str:
        return self._log.read_text()


@contextmanager
def served(env: dict[str, str], *args: str) -> Iterator[Served]:
    log = Path(env["NOTION_MANAGER_CONFIG"]).with_name("log")
    with log.open("w") as stderr, subprocess.Popen(  # noqa: S603
        [*COMMAND, "serve", "--port", "0", *args],
        env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=stderr, text=True,
    ) as process:  # fmt: skip
        try:
            yield Served(process, log)
        finally:
            process.kill()


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
        printed = server.until("OPENAI_BASE_URL").split()
        key = next(word for word in printed if word.startswith("nm-"))
        assert "Answers are simulated" in server.output
        assert _get(f"{server.url}/health") == 200
        assert _get(f"{server.url}/v1/models") == 401
        assert _get(f"{server.url}/v1/models", key) == 200
        assert server.stop() == 0
        assert f"ANTHROPIC_BASE_URL={server.url}" in server.output
        assert key not in server.log
    assert not Path(env["NOTION_MANAGER_STATE_DIR"]).exists()


def test_the_first_key_is_shown_once_and_kept(env: dict[str, str]) -> None:
    with served(env) as server:
        assert server.stop(signal.SIGINT) == 0
        assert "nm-" in server.output
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        assert [key.name for key in store.keys()] == ["default"]  # noqa: SIM118 - a method of ours
    with served(env) as server:
        assert server.stop(signal.SIGTERM) == 0
        assert "nm-" not in server.output
        assert "accounts add" in server.output


def test_a_key_from_the_environment_opens_the_server_and_none_is_made(env: dict[str, str]) -> None:
    env["NOTION_MANAGER_API_KEY"] = "a key of my own"
    with served(env) as server:
        assert _get(f"{server.url}/v1/models", "a key of my own") == 200
        assert server.stop() == 0
        assert "nm-" not in server.output
        assert "a key of my own" not in server.output + server.log


def test_a_port_in_use_is_told(env: dict[str, str]) -> None:
    with served(env) as server:
        done = script(env, "serve", "--port", server.url.rpartition(":")[2])
    assert done.returncode == 1
    assert b"something else listens on 127.0.0.1" in done.stderr
    assert b"--port" in done.stderr


def test_a_host_beyond_loopback_needs_a_word(run: Run) -> None:
    done = run("serve", "--host", "0.0.0.0")  # noqa: S104
    assert done.exit_code == 3
    assert "server.expose = true (--expose)" in done.stderr


def test_a_port_that_is_none_is_told_like_any_setting(run: Run) -> None:
    done = run("serve", "--port", "many")
    assert done.exit_code == 3
    assert "--port: expected a whole number" in done.stderr
