"""The command line in a state of its own, and a Notion for it to talk to."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from notion_manager.cli import main
from notion_manager.simulator import Simulator
from tests.cli.terminal import Run


@pytest.fixture(name="env")
def _env(tmp_path: Path, config: Path) -> dict[str, str]:
    return {
        "NOTION_MANAGER_STATE_DIR": str(tmp_path / "state"),
        "NOTION_MANAGER_CONFIG": str(config),
        "NO_COLOR": "1",
    }


@pytest.fixture(autouse=True)
def _undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have pasted a key, or a setting, into the same terminal."""
    for name in [n for n in os.environ if n.startswith(("NOTION_", "NO_COLOR", "XDG_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell starts what runs in the background with SIGINT ignored, and children inherit it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    """An empty configuration file, to be filled."""
    path = tmp_path / "config.toml"
    path.write_text("")
    return path


@pytest.fixture(name="run")
def _run(env: dict[str, str]) -> Run:
    def run(*args: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner(env=env).invoke(main, args, input=stdin)

    return run


@pytest.fixture(name="notion")
def _notion(env: dict[str, str]) -> Iterator[Simulator]:
    """A simulated Notion in a thread of its own, which the configuration points to."""
    sim, started = Simulator(), Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        async with sim.running() as url:
            stop = asyncio.Event()
            started.set_result((url, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    url, loop, stop = started.result(timeout=10)
    env["NOTION_MANAGER_NOTION_BASE_URL"] = url
    yield sim
    loop.call_soon_threadsafe(stop.set)
    thread.join()
