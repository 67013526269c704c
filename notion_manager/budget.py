"""How many second tries there may be, so that an outage is not made worse by them."""

SHARE = 0.2  # of all requests
LEAST = 10.0  # tries within a window, however few the requests
WINDOW = 60.0  # seconds


class Budget:
    """Fills by a share of each request and, slowly, by itself; a second try takes one."""

    def __init__(self) -> None:
        self._left = LEAST
        self._at = 0.0

    def earn(self, now: float) -> None:
        """A request came."""
        self._fill(now)
        self._left = min(self._left + SHARE, 2 * LEAST)

    def spend(self, now: float) -> bool:
        """Whether there may be one more try."""
        self._fill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _fill(self, now: float) -> None:
        """Time alone fills it up to the least that there should be."""
        passed = max(0.0, now - self._at)
        if self._left < LEAST:
            self._left = min(LEAST, self._left + passed * LEAST / WINDOW)
        self._at = now
