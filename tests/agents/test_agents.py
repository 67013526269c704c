"""Real agents, headless, in a scratch repository, against `serve --demo`: `make agents` runs them.

Each is told to mend a function, and the simulated model tells it step by step how: it reads two
files at once, runs a check that fails, edits the file, and runs the check again. What is on disk
in the end is what counts.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.agents.desk import (
    INSTALLED,
    MODEL,
    PACKAGES,
    Desk,
    claude_code,
    codex,
    desk_at,
    opencode,
)
from tests.files import png

pytestmark = pytest.mark.agent
PNG = png(32, 32)
KEY = "nm-for-the-agents-0123456789"

BEFORE = "def add(a, b):\n    return a - b\n"
AFTER = 'def add(a, b):\n    # "<sum>" of \\ both, </arg>\n    return a + b\n'
OLD, NEW = BEFORE.partition("\n")[2], AFTER.partition("\n")[2]
CHECK = 'from calc import add\n\nassert add(2, 2) == 4, add(2, 2)\nprint("passed")\n'
PATCH = "\n".join(
    (
        "*** Begin Patch",
        "*** Update File: calc.py",
        "@@",
        " def add(a, b):",
        *(f"-{line}" for line in OLD.splitlines()),
        *(f"+{line}" for line in NEW.splitlines()),
        "*** End Patch",
    )
)
GOES_ON = 4  # questions after the first
CLUMSY = ("", "[[sim:clumsy=0.5]]")


@pytest.fixture(name="served", scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The gateway's address and its log."""
    env = {
        **os.environ,
        "NOTION_MANAGER_API_KEY": KEY,
        "NOTION_MANAGER_STATE_DIR": str(tmp_path_factory.mktemp("state")),
    }
    command = [sys.executable, "-m", "notion_manager", "serve", "--demo", "--port", "0"]
    path = tmp_path_factory.mktemp("log") / "log"
    with (
        path.open("w") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            command, env=env, stdout=subprocess.PIPE, stderr=log, text=True
        ) as serve,
    ):
        assert serve.stdout is not None
        for line in serve.stdout:
            if "ANTHROPIC_BASE_URL=" in line:
                break
        yield line.partition("ANTHROPIC_BASE_URL=")[2].split()[0], path
        serve.send_signal(signal.SIGINT)
        serve.stdout.read()


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, served: tuple[str, Path]) -> Desk:
    desk = desk_at(tmp_path, served[0], KEY)
    (desk.repo / "calc.py").write_text(BEFORE)
    (desk.repo / "check.py").write_text(CHECK)
    return desk


@pytest.fixture(name="threads")
def _threads(served: tuple[str, Path]) -> Callable[[], Sequence[str]]:
    """Where each question was asked since the test began."""
    log = served[1]
    before = log.stat().st_size

    def told() -> Sequence[str]:
        lines = log.read_bytes()[before:].splitlines()
        records = [json.loads(line) for line in lines if line.startswith(b"{")]
        return [record["thread"] for record in records if record.get("thread")]

    return told


def check(desk: Desk, output: str) -> None:
    assert (desk.repo / "calc.py").read_text() == AFTER, output
    assert (desk.repo / "result.txt").read_text() == "passed\n", output
    assert "It is mended." in output


def order(words: str, *steps: Any) -> str:
    """What the agent is told, and with it what the simulated model does."""
    return f"Mend add(). {words}[[sim:work]] {json.dumps([*steps, 'It is mended.'])}"


def call(tool: str, **args: Any) -> dict[str, Any]:
    return {"tool": tool, "args": args}


def look(desk: Desk, tool: str, argument: str) -> str:
    """The order to look at a picture with this tool, and to say what was seen."""
    (desk.repo / "logo.png").write_bytes(PNG)
    steps = [[call(tool, **{argument: desk.path("logo.png")})], "I see {{attached}}."]
    return f"Look. [[sim:work]] {json.dumps(steps)}"


SEEN = f"(image/png, {len(PNG)} bytes, sha256 {sha256(PNG).hexdigest()[:8]})"


@pytest.mark.parametrize("words", CLUMSY)
def test_claude_code(desk: Desk, threads: Callable[[], Sequence[str]], words: str) -> None:
    def bash(command: str) -> dict[str, Any]:
        return call("Bash", command=command, description="Run the check")

    first = [call("Read", file_path=desk.path(name)) for name in ("calc.py", "check.py")]
    edit = call("Edit", file_path=desk.path("calc.py"), old_string=OLD, new_string=NEW)
    told = order(
        words,
        {"say": "I look first.", "calls": first},
        [bash("python3 check.py")],
        [edit],
        [bash("python3 check.py > result.txt")],
    )
    check(desk, claude_code(desk, told))
    if not words:
        assert list(threads()).count("continued") == GOES_ON


def test_claude_code_looks_at_a_picture(desk: Desk) -> None:
    assert SEEN in claude_code(desk, look(desk, "Read", "file_path"))


@pytest.mark.parametrize("words", CLUMSY)
@pytest.mark.parametrize("model", [MODEL, "gpt-5.5"])
def test_codex(desk: Desk, threads: Callable[[], Sequence[str]], model: str, words: str) -> None:
    """Models that it knows get its own patch tool, whose input is free text."""

    def execute(command: str) -> dict[str, Any]:
        return call("exec_command", cmd=command)

    (desk.home / "after").write_text(AFTER)
    edit = (
        call("apply_patch", input=PATCH)
        if model == "gpt-5.5"
        else execute(f"cp {desk.home}/after calc.py")
    )
    told = order(
        words,
        [execute("cat calc.py"), execute("cat check.py")],
        [execute("python3 check.py")],
        [edit],
        [execute("python3 check.py > result.txt")],
    )
    check(desk, codex(desk, model, told))
    if not words:
        assert list(threads()).count("continued") == GOES_ON


def test_codex_that_writes_scripts(desk: Desk, threads: Callable[[], Sequence[str]]) -> None:
    """Models that it knows as the newest get one tool for scripts, and one call an answer."""

    def script(tool: str, argument: Any) -> list[dict[str, Any]]:
        return [call("functions.exec", input=f"text(await tools.{tool}({json.dumps(argument)}));")]

    told = order(
        "",
        script("exec_command", {"cmd": "cat calc.py check.py"}),
        script("apply_patch", PATCH),
        script("exec_command", {"cmd": "python3 check.py > result.txt"}),
    )
    check(desk, codex(desk, "gpt-5.6-sol", told))
    assert list(threads()).count("continued") == GOES_ON - 1


def test_codex_looks_at_a_picture(desk: Desk) -> None:
    assert SEEN in codex(desk, "gpt-5.5", look(desk, "view_image", "path"))


@pytest.mark.parametrize("words", CLUMSY)
@pytest.mark.parametrize("package", PACKAGES)
def test_opencode(desk: Desk, package: str, words: str) -> None:
    def bash(command: str) -> dict[str, Any]:
        return call("bash", command=command, description="Run the check")

    first = [call("read", filePath=desk.path(name)) for name in ("calc.py", "check.py")]
    edit = call("edit", filePath=desk.path("calc.py"), oldString=OLD, newString=NEW)
    told = order(
        words, first, [bash("python3 check.py")], [edit], [bash("python3 check.py > result.txt")]
    )
    check(desk, opencode(desk, package, told))


@pytest.mark.parametrize("package", PACKAGES)
def test_opencode_looks_at_a_picture(desk: Desk, package: str) -> None:
    assert SEEN in opencode(desk, package, look(desk, "read", "filePath"))


@pytest.mark.aider
@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_aider(desk: Desk, api: str) -> None:
    """It has no tools: the model's text is the edit, and aider runs the check by itself."""
    edit = f"calc.py\n```\n<<<<<<< SEARCH\n{OLD}=======\n{NEW}>>>>>>> REPLACE\n```\n"
    (desk.home / "told").write_text(f"Mend add(). [[sim:work]] {json.dumps([edit])}")
    env = {
        "OPENAI_API_BASE": f"{desk.url}/v1",
        "OPENAI_API_KEY": KEY,
        "ANTHROPIC_API_BASE": desk.url,
        "ANTHROPIC_API_KEY": KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    quiet = (
        "--yes-always",
        "--no-check-update",
        "--no-show-model-warnings",
        "--no-analytics",
        "--no-auto-commits",
        "--no-gitignore",
        "--no-show-release-notes",
    )
    command = [
        str(INSTALLED / "aider" / "bin" / "aider"), "--model", f"{api}/{MODEL}", "--edit-format", "diff", *quiet,
        "--map-tokens", "0", "--message-file", str(desk.home / "told"),
        "--auto-test", "--test-cmd", "python3 check.py > result.txt", "calc.py",
    ]  # fmt: skip
    output = desk.run(command, env)
    assert (desk.repo / "calc.py").read_text() == AFTER, output
    assert (desk.repo / "result.txt").read_text() == "passed\n", output
