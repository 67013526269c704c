"""Running the command line, as a test, a script or a person would."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import pytest
from click.testing import Result

Run = Callable[..., Result]
COMMAND = [sys.executable, "-m", "notion_manager"]
PATIENCE = 20.0  # seconds for all that a person does


def script(
    env: Mapping[str, str], *args: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, without a terminal."""
    return subprocess.run(  # noqa: S603
        [*COMMAND, *args],
        env={**os.environ, **env},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=30,
    )


def person(env: Mapping[str, str], *args: str, types: Mapping[str, str]) -> tuple[int, str]:
    """A process on a terminal: exit code and screen. `types` answers prompts, each once.

    One that is not done in `PATIENCE` seconds is killed, and fails the test.
    """
    pid, screen = pty.fork()
    if not pid:
        os.execve(sys.executable, [*COMMAND, *args], {**os.environ, **env})  # noqa: S606
    seen, waiting = b"", dict(types)
    deadline = time.monotonic() + PATIENCE
    try:
        while read := _read(screen, deadline):
            seen += read
            for prompt in [p for p in waiting if p.encode() in seen]:
                os.write(screen, waiting.pop(prompt).encode())
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        pytest.fail(f"not done after {PATIENCE:g} s; the screen is {seen.decode()!r}")
    finally:
        os.close(screen)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), seen.decode().replace("\r\n", "\n")


def _read(screen: int, deadline: float) -> bytes:
    """What is new on the screen; nothing at its end. Raises TimeoutError."""
    ready, _, _ = select.select([screen], [], [], max(0.0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError
    try:
        return os.read(screen, 4096)
    except OSError:  # how Linux tells the end of a terminal
        return b""
