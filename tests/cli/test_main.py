import os
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from notion_manager import __version__
from notion_manager.cli import COMMANDS, main
from notion_manager.cli.complaints import EXIT_CODES, about, complaining
from notion_manager.errors import BadRequest, ContextTooLong, Problem, Unsupported
from notion_manager.reading import EXTRAS
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


def test_no_list_of_commands_is_cut_short_on_a_narrow_terminal(env: dict[str, str]) -> None:
    for group in ("", "accounts", "keys", "threads", "config"):
        shown = script({**env, "COLUMNS": "80"}, *group.split(), "--help").stdout.decode()
        listed = shown.partition("Commands:\n")[2].partition("\n\n")[0]
        assert listed
        assert "..." not in listed


def test_every_page_of_help_has_an_example() -> None:
    for name, text in _help():
        assert "Example" in text or name == "notion-manager", name


def test_help_tells_every_exit_code(run: Run) -> None:
    text = run("--help").stdout
    assert all(f"{code:<4} {what}" in text for code, what in EXIT_CODES.items())


def test_help_names_the_environment_variables_that_are_no_settings(run: Run) -> None:
    shown = run("--help").stdout, run("serve", "--help").stdout
    assert all(name in text for name in EXTRAS for text in shown)


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
    if isinstance(problem, BadRequest):
        problem.field = "messages[0]"
    complaint = about(problem)
    assert complaint.message == "what happened"
    assert all(complaint.lines)
    assert complaint.lines
    assert complaint.exit_code in EXIT_CODES


def test_what_says_all_by_itself_is_told_without_a_filler() -> None:
    assert about(BadRequest("choose one with --user")).lines == ()
    filler = ("change what is named there, then try again",)
    assert about(BadRequest("wrong", field="model")).lines == filler
    assert about(Unsupported("no", field="tools")).lines != filler
    assert about(ContextTooLong(9, 8)).lines != filler


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(run: Run) -> None:
    done = run("serv")
    assert done.exit_code == 2
    assert "serve" in done.stderr


def test_what_nobody_expected_is_reported_without_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = click.Context(main)
    expected = pytest.raises(click.ClickException, match="a bug in notion-manager")
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


def _usual() -> dict[str, str]:
    """As most people's shells have it: Python holds back what it writes."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def _in_a_shell(env: dict[str, str], words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S602 - what a shell does to our streams is the point
        f"{' '.join(COMMAND)} {words}",
        shell=True,
        env={**_usual(), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def test_a_closed_pipe_is_no_traceback(env: dict[str, str]) -> None:
    assert b"Traceback" not in _in_a_shell(env, "config show | head -1").stderr


@pytest.mark.parametrize("words", ["config show", "config show --json", "--help", "--version"])
def test_a_full_disk_is_told_with_what_helps(env: dict[str, str], words: str) -> None:
    done = _in_a_shell(env, f"{words} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"error: No space left on device\n  make room, then try again\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ask - --demo", b"the question is empty"),
        ("translate --as chat", b"not valid JSON"),
        ("replay", b"not a recording"),
        ("accounts add", b"no terminal to ask at"),
        ("accounts add --token-v2 -", b"no token_v2"),
    ],
)
def test_a_closed_stdin_is_an_empty_one(env: dict[str, str], words: str, told: bytes) -> None:
    done = _in_a_shell(env, f"{words} <&-")
    assert done.returncode in (1, 2)
    assert told in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_printed_to_a_closed_stream_is_lost_and_harms_nobody(
    env: dict[str, str], closed: str
) -> None:
    assert _in_a_shell(env, f"ask --demo hello {closed}").returncode == 0


def test_colours_are_for_terminals_that_want_them(env: dict[str, str]) -> None:
    env["XDG_CONFIG_HOME"] = env["NOTION_MANAGER_STATE_DIR"]
    missing = ("config", "check", "--config", "/no/such/file")
    assert b"\x1b[" not in script(env, *missing).stderr
    assert "\x1b[" not in person(env, *missing, types={})[1]
    del env["NO_COLOR"]
    assert "\x1b[" in person({**env, "TERM": "xterm"}, *missing, types={})[1]
