"""How much other clients wait while files of 20 MB are brought to Notion.

Run it by itself: a simulated Notion and the daemon are processes of their own, and while four
files are sent one after the other, somebody asks for `/health` all the time.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

PROGRAM = Path(sys.executable).with_name("notion-manager")
KEY = "nm-a-key-of-the-benchmark"
SIZE = 20_000_000  # bytes
FILES = 4
REPEATS = 5
PAUSE = 0.005  # seconds between two questions
IDLE = 3.0  # seconds
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def main() -> None:
    with _daemon() as port:
        bodies = [_body(number) for number in range(FILES)]
        _send(port, bodies)  # what happens once: imports, connections, tables
        print("| milliseconds until `/health` is answered | p50 | p99 | most |\n|---|---|---|---|")
        print(_row("nobody else asks", _waits(port, lambda: time.sleep(IDLE))))
        for _ in range(REPEATS):
            print(_row(f"beside {FILES} files of 20 MB", _waits(port, lambda: _send(port, bodies))))


def _body(number: int) -> bytes:
    picture = PNG + os.urandom(SIZE - len(PNG) - 8) + number.to_bytes(8)
    source = {"type": "base64", "media_type": "image/png", "data": b64encode(picture).decode()}
    said = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    return json.dumps({"model": "auto", "max_tokens": 100, "messages": said}).encode()


def _send(port: int, bodies: list[bytes]) -> None:
    for body in bodies:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"x-api-key": KEY, "content-type": "application/json"}
        connection.request("POST", "/v1/messages", body, headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise SystemExit(f"error: {answer.status} {answer.read()[:300]!r}")
        answer.read()
        connection.close()


def _waits(port: int, work: Callable[[], None]) -> list[float]:
    """Milliseconds of each question that was asked until `work` was done."""
    found: list[float] = []
    over = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while not over.wait(PAUSE):
            began = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            found.append((time.perf_counter() - began) * 1e3)

    asking = threading.Thread(target=ask)
    asking.start()
    work()
    over.set()
    asking.join()
    return found


def _row(label: str, waits: list[float]) -> str:
    cuts = quantiles(waits, n=100)
    return f"| {label} | {cuts[49]:.1f} | {cuts[98]:.1f} | {max(waits):.1f} |"


@contextmanager
def _daemon() -> Iterator[int]:
    """Its port; above a simulator, in whose world it has an account."""
    with tempfile.TemporaryDirectory() as folder:
        simulator = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, __file__, "--simulator"], stdout=subprocess.PIPE, text=True
        )
        assert simulator.stdout is not None
        url, token = simulator.stdout.readline().split()
        env = {**os.environ, "NOTION_MANAGER_STATE_DIR": folder, "NOTION_MANAGER_API_KEY": KEY}
        env["NOTION_MANAGER_NOTION_BASE_URL"] = url
        add = [PROGRAM, "accounts", "add", "--token-v2", "-"]
        subprocess.run(add, env=env, input=token, text=True, check=True, capture_output=True)  # noqa: S603 - our own program
        serve = subprocess.Popen(  # noqa: S603 - our own program
            [PROGRAM, "serve", "--port", "0"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            assert serve.stdout is not None
            yield int(serve.stdout.readline().split()[-1].rpartition(":")[2])
        finally:
            serve.terminate()
            simulator.terminate()
            serve.wait()


async def _simulate() -> None:
    """In a process of its own, so that its work is none of the daemon's."""
    from notion_manager.simulator import Simulator  # noqa: PLC0415 - the other process has no use

    simulator = Simulator()
    async with simulator.running() as url:
        print(url, simulator.accounts[0].token_v2, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    if "--simulator" in sys.argv:
        asyncio.run(_simulate())
    else:
        main()
