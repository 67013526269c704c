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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.files import png

pytestmark = pytest.mark.agent
ROOT = Path(__file__).parents[2]
PNG = png(32, 32)
INSTALLED = ROOT / ".agents"
MODULES = INSTALLED / "node_modules"
KEY = "nm-for-the-agents-0123456789"
MODEL = "opus-4.6"
PATIENCE = 180  # seconds

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
PACKAGES = ("@ai-sdk/openai-compatible", "@ai-sdk/openai", "@ai-sdk/anthropic")


@dataclass(frozen=True)
class Desk:
    """A scratch repository, an empty home, and the gateway."""

    repo: Path
    home: Path
    url: str
    log: Path
    logged: int  # bytes of the log, before the agent came

    def run(self, command: Sequence[str], env: Mapping[str, str], said: str = "") -> str:
        whole = {"HOME": str(self.home), "PATH": os.environ["PATH"], **env}
        done = subprocess.run(  # noqa: S603 - what was installed for this
            command, cwd=self.repo, env=whole, input=said, timeout=PATIENCE, text=True,
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout

    def threads(self) -> Sequence[str]:
        """Where each of the agent's questions was asked."""
        lines = self.log.read_bytes()[self.logged :].splitlines()
        records = [json.loads(line) for line in lines if line.startswith(b"{")]
        return [record["thread"] for record in records if record.get("thread")]

    def path(self, name: str) -> str:
        return str(self.repo / name)

    def check(self, output: str) -> None:
        assert (self.repo / "calc.py").read_text() == AFTER, output
        assert (self.repo / "result.txt").read_text() == "passed\n", output
        assert "It is mended." in output


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
    url, log = served
    desk = Desk(tmp_path / "repo", tmp_path / "home", url, log, log.stat().st_size)
    desk.home.mkdir()
    desk.repo.mkdir()
    subprocess.run(["git", "init", "-q", "."], cwd=desk.repo, check=True)  # noqa: S607
    (desk.repo / "calc.py").write_text(BEFORE)
    (desk.repo / "check.py").write_text(CHECK)
    return desk


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
def test_claude_code(desk: Desk, words: str) -> None:
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
    desk.check(claude_code(desk, told))
    if not words:
        assert list(desk.threads()).count("continued") == GOES_ON


def test_claude_code_looks_at_a_picture(desk: Desk) -> None:
    assert SEEN in claude_code(desk, look(desk, "Read", "file_path"))


def claude_code(desk: Desk, told: str) -> str:
    env = {
        "ANTHROPIC_BASE_URL": desk.url,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",
    }
    program = MODULES / "@anthropic-ai" / "claude-code-linux-x64" / "claude"
    command = [str(program), "-p", told, "--permission-mode", "bypassPermissions", "--model", MODEL]
    return desk.run(command, env)


CODEX = """\
model = "{model}"
model_provider = "gateway"
[model_providers.gateway]
name = "gateway"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "GATEWAY_KEY"
request_max_retries = 0
stream_max_retries = 0
"""


@pytest.mark.parametrize("words", CLUMSY)
@pytest.mark.parametrize("model", [MODEL, "gpt-5.5"])
def test_codex(desk: Desk, model: str, words: str) -> None:
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
    desk.check(codex(desk, model, told))
    if not words:
        assert list(desk.threads()).count("continued") == GOES_ON


def test_codex_looks_at_a_picture(desk: Desk) -> None:
    assert SEEN in codex(desk, "gpt-5.5", look(desk, "view_image", "path"))


def codex(desk: Desk, model: str, told: str) -> str:
    (desk.home / "config.toml").write_text(CODEX.format(model=model, url=desk.url))
    command = [
        str(MODULES / ".bin" / "codex"),
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        told,
    ]
    return desk.run(command, {"CODEX_HOME": str(desk.home), "GATEWAY_KEY": KEY})


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
    desk.check(opencode(desk, package, told))


@pytest.mark.parametrize("package", PACKAGES)
def test_opencode_looks_at_a_picture(desk: Desk, package: str) -> None:
    assert SEEN in opencode(desk, package, look(desk, "read", "filePath"))


def opencode(desk: Desk, package: str, told: str) -> str:
    model = {"name": MODEL, "limit": {"context": 128000, "output": 8192}, "tool_call": True}
    model |= {"attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
    options = {"baseURL": f"{desk.url}/v1", "apiKey": KEY}
    provider = {"npm": package, "name": "gateway", "options": options, "models": {MODEL: model}}
    config = {
        "autoupdate": False,
        "share": "disabled",
        "provider": {"gateway": provider},
        "model": f"gateway/{MODEL}",
        "permission": {"edit": "allow", "bash": "allow"},
    }
    folder = desk.home / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.json").write_text(json.dumps(config))
    off = (
        "OPENCODE_DISABLE_AUTOUPDATE",
        "OPENCODE_DISABLE_MODELS_FETCH",
        "OPENCODE_DISABLE_LSP_DOWNLOAD",
    )
    command = [str(MODULES / ".bin" / "opencode"), "run"]
    return desk.run(command, dict.fromkeys(off, "1"), said=told)


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
