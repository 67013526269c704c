"""Running the command line, as a test, a script or a person would."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping

from click.testing import Result

Run = Callable[..., Result]
COMMAND = [sys.executable, "-m", "notion_manager"]


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
    """A process on a terminal: exit code and screen. `types` answers prompts, each once."""
    pid, screen = pty.fork()
    if not pid:
        os.execve(sys.executable, [*COMMAND, *args], {**os.environ, **env})  # noqa: S606
    seen, waiting = b"", dict(types)
    while True:
        try:
            read = os.read(screen, 4096)
        except OSError:  # how Linux tells the end of a terminal
            read = b""
        if not read:
            break
        seen += read
        for prompt in [p for p in waiting if p.encode() in seen]:
            os.write(screen, waiting.pop(prompt).encode())
    os.close(screen)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), seen.decode().replace("\r\n", "\n")
