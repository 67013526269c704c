"""Where an agent works: a scratch repository, an empty home and a gateway."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".agents"
MODULES = INSTALLED / "node_modules"
MODEL = "opus-4.6"
PACKAGES = ("@ai-sdk/openai-compatible", "@ai-sdk/openai", "@ai-sdk/anthropic")
PATIENCE = 180  # seconds


@dataclass(frozen=True)
class Desk:
    repo: Path
    home: Path
    url: str
    key: str

    def run(self, command: Sequence[str], env: Mapping[str, str], said: str = "") -> str:
        """What the agent told. Nothing of this process's environment reaches it but its path."""
        whole = {"HOME": str(self.home), "PATH": os.environ["PATH"], **env}
        done = subprocess.run(  # noqa: S603 - what was installed for this
            command, cwd=self.repo, env=whole, input=said, timeout=PATIENCE, text=True,
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout

    def path(self, name: str) -> str:
        return str(self.repo / name)


def desk_at(place: Path, url: str, key: str) -> Desk:
    desk = Desk(place / "repo", place / "home", url, key)
    desk.home.mkdir(parents=True)
    desk.repo.mkdir()
    subprocess.run(["git", "init", "-q", "."], cwd=desk.repo, check=True)  # noqa: S607
    return desk


def claude_code(desk: Desk, told: str) -> str:
    env = {
        "ANTHROPIC_BASE_URL": desk.url,
        "ANTHROPIC_AUTH_TOKEN": desk.key,
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
request_max_retries = {retries}
stream_max_retries = {retries}
stream_idle_timeout_ms = {patience}
"""


def codex(desk: Desk, model: str, told: str, *, retries: int = 0, patience: int = 300_000) -> str:
    """`patience` is in milliseconds, between two events of an answer."""
    settings = CODEX.format(model=model, url=desk.url, retries=retries, patience=patience)
    (desk.home / "config.toml").write_text(settings)
    command = [
        str(MODULES / ".bin" / "codex"),
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        told,
    ]
    return desk.run(command, {"CODEX_HOME": str(desk.home), "GATEWAY_KEY": desk.key})


def opencode(desk: Desk, package: str, told: str) -> str:
    model = {"name": MODEL, "limit": {"context": 128000, "output": 8192}, "tool_call": True}
    model |= {"attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
    options = {"baseURL": f"{desk.url}/v1", "apiKey": desk.key}
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
