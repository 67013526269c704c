"""Hanging up: how soon a gateway then lets go of the upstream's streams."""

import socket
import time
from collections.abc import Callable

from load import APIS, HOST, Target
from targets import Upstream

EACH = 4  # clients of each API
PATIENCE = 5.0  # seconds for streams to open, and for them to be let go
SETTLE = 0.3  # seconds that they stay open: text flows by then, if the plan has any
LOOK = 0.001  # seconds between looks


def release(target: Target, upstream: Upstream, *, stream: bool) -> float:
    """Seconds from hanging up until no stream is open upstream; infinite if some stay.

    Clients of all three APIs hang up at once, so the slowest counts.
    """
    clients: list[socket.socket] = []
    try:
        for api in APIS * EACH:
            clients.append(socket.create_connection((HOST, target.port)))
            clients[-1].sendall(api.request(stream=stream))
        if not _within(lambda: upstream.open_streams() == len(clients)):
            return float("inf")
        time.sleep(SETTLE)
    finally:
        for client in clients:
            client.close()
    began = time.perf_counter()
    released = _within(lambda: upstream.open_streams() == 0)
    return time.perf_counter() - began if released else float("inf")


def _within(holds: Callable[[], bool]) -> bool:
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until:
        if holds():
            return True
        time.sleep(LOOK)
    return False
