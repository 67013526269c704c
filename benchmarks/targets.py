"""The processes of a benchmark, on free loopback ports: started, found healthy, ended."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp
from typing import Any

from answers import TOKEN, Plan
from load import HOST, KEY, Target

from notion_manager.store import Store

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("notion-manager")
TAKEN = 3000  # the daemon's own port: somebody may be using it
PATIENCE = 20.0  # seconds for a process to become healthy
GRACE = 3.0  # seconds for it to end when asked to
LOOK = 0.002  # seconds between looks at its health


class Broken(Exception):
    """A process of the benchmark does not work; no figure can be had."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The fake, and the two calls that steer it."""

    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def play(self, plan: Plan) -> None:
        """Every stream from now on follows this plan."""
        _call(self.port, "POST", "/plan", json.dumps(asdict(plan)))

    def open_streams(self) -> int:
        return _call(self.port, "GET", "/stats")["open"]


@dataclass(frozen=True, slots=True)
class Started:
    """A target, and the seconds from the start of its process to its first healthy answer."""

    target: Target
    seconds: float


@dataclass(frozen=True, slots=True)
class Lab:
    """Where targets are started: above one upstream, with their files in `folder`."""

    upstream: Upstream
    folder: Path

    @property
    def direct(self) -> Target:
        return Target("direct", self.upstream.port, os.getpid())

    @contextmanager
    def floor(self) -> Generator[Started]:
        program = [sys.executable, HERE / "floor.py", "--upstream", self.upstream.url]
        with _started("floor", program, self.folder) as started:
            yield started

    @contextmanager
    def ours(self) -> Generator[Started]:
        """A daemon with a copy of the state: several may run."""
        state = Path(mkdtemp(dir=self.folder)) / "state"
        copytree(self.folder / "state", state)
        program = [PROGRAM, "serve", "--config", self._config]
        with _started("ours", program, self.folder, self._environment(state)) as started:
            yield started

    def enrol(self, accounts: int) -> None:
        """Give the daemon an account, as a person does, and as many like it as are wanted."""
        self._config.write_text(f'[notion]\nbase_url = "{self.upstream.url}"\n')
        command = [PROGRAM, "accounts", "add", "--token-v2", "-", "--config", self._config]
        added = subprocess.run(  # noqa: S603 - our own program
            command,
            input=TOKEN,
            text=True,
            capture_output=True,
            env=self._environment(self.folder / "state"),
            timeout=PATIENCE,
            check=False,
        )
        if added.returncode:
            raise Broken(f"`accounts add` failed:\n{added.stderr or added.stdout}")
        with Store(self.folder / "state" / "state.db") as store:
            (first,) = store.accounts()
            for number in range(2, accounts + 1):
                who = str(uuid.UUID(int=number, version=4))
                store.put_account(replace(first, alias=f"account{number}", user_id=who))

    @property
    def _config(self) -> Path:
        return self.folder / "config.toml"

    def _environment(self, state: Path) -> dict[str, str]:
        """Seats for all that come at once."""
        return _plain(self.folder) | {
            "NOTION_MANAGER_STATE_DIR": str(state),
            "NOTION_MANAGER_API_KEY": KEY,
            "NOTION_MANAGER_POOL_CONCURRENCY": "1000",
            "NOTION_MANAGER_POOL_QUEUE": "1000",
        }


@contextmanager
def lab(folder: Path, accounts: int = 1) -> Generator[Lab]:
    """A running upstream, and a daemon's accounts ready to be used."""
    program = [sys.executable, HERE / "fake_notion.py"]
    with _started("upstream", program, folder) as started:
        ready = Lab(Upstream(started.target.port), folder)
        ready.enrol(accounts)
        yield ready


def free_port() -> int:
    while True:
        with socket.create_server((HOST, 0)) as server:
            port = server.getsockname()[1]
        if port != TAKEN:
            return port


@contextmanager
def _started(
    name: str, program: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None
) -> Generator[Started]:
    """In a session of its own: Ctrl-C is ours, and ends it in order."""
    port = free_port()
    path = folder / f"{name}.log"
    with path.open("ab") as log:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [str(word) for word in (*program, "--port", port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment or _plain(folder),
            start_new_session=True,
        )
    try:
        _wait(process, port, path)
        yield Started(Target(name, port, process.pid), time.perf_counter() - began)
    finally:
        _end(process)


def _plain(folder: Path) -> dict[str, str]:
    """Nothing of the person's own settings; and bytecode is kept, as an installation does."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("NOTION_MANAGER_", "PYTHON"))}
    return own | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.perf_counter() + PATIENCE
    while not _answers(port):
        if process.poll() is not None or time.perf_counter() > until:
            raise Broken(f"the {log.stem} did not become healthy:\n{log.read_text()[-2000:]}")
        time.sleep(LOOK)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _call(port: int, method: str, path: str, body: str = "") -> Any:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request(method, path, body)
        return json.load(connection.getresponse())
    finally:
        connection.close()
