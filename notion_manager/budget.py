"""How many second tries there may be, so that an outage is not made worse by them."""

from collections import deque

SHARE = 0.2  # of the requests in a window
LEAST = 10  # tries in a window, however few the requests
WINDOW = 60  # seconds


class Budget:
    """Counts requests and second tries of the last `WINDOW` seconds, second by second."""

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()  # which, requests in it, tries in it
        self._requests = 0
        self._tries = 0

    def earn(self, now: float) -> None:
        """A request came."""
        self._second(now)[1] += 1
        self._requests += 1

    def spend(self, now: float) -> bool:
        """Whether there may be one more try, which is then counted."""
        second = self._second(now)
        if self._tries >= max(LEAST, SHARE * self._requests):
            return False
        second[2] += 1
        self._tries += 1
        return True

    def _second(self, now: float) -> list[int]:
        """The count of this second, once what is too old is forgotten."""
        seconds, this = self._seconds, int(now)
        if seconds and seconds[-1][0] > this:  # the clock was put back
            seconds.clear()
            self._requests = self._tries = 0
        while seconds and seconds[0][0] <= this - WINDOW:
            _, requests, tries = seconds.popleft()
            self._requests -= requests
            self._tries -= tries
        if not seconds or seconds[-1][0] != this:
            seconds.append([this, 0, 0])
        return seconds[-1]
