"""A daemon of its own, started as a person would."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.terminal import COMMAND


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

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

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
def served(env: dict[str, str], *args: str, log: bool = True) -> Iterator[Served]:
    """What it logs goes to a file, or, without `log`, to where it prints."""
    path = Path(env["NOTION_MANAGER_CONFIG"]).with_name("log")
    with path.open("w") as stderr, subprocess.Popen(  # noqa: S603
        [*COMMAND, "serve", "--port", "0", *args],
        env={**os.environ, **env}, stdout=subprocess.PIPE,
        stderr=stderr if log else subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            yield Served(process, path)
        finally:
            process.kill()
