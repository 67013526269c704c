"""SIGINT and SIGTERM while a server runs: the first asks, the next ones do not wait."""

import asyncio
import logging
import signal

from ..logs import NAME

NOTICED = 0.2  # seconds: who stops sooner had nothing to finish


class Stopping:
    """Takes the signals until the loop is closed. The second cancels whatever runs."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self.asked.is_set():
            self._break_off()
        else:
            self.asked.set()
            self._loop.call_later(NOTICED, self._tell)

    def _break_off(self) -> None:
        """The libraries take what then breaks in them for faults, and would print all of it."""
        for name in ("aiohttp", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    @staticmethod
    def _tell() -> None:
        log = logging.getLogger(f"{NAME}.serve")
        log.info("finishing the running answers; press Ctrl-C again to stop at once")
