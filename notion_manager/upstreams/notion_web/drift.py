"""Counts shapes that nobody knows, by name and never by content."""

import re

_NAME = re.compile(r"[A-Za-z_-]{1,40}")
MOST = 100  # different names


class Drift:
    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def note(self, what: str, *names: str) -> None:
        """Names that may be content, such as ids, become `*`."""
        spelt = "/".join(name if _NAME.fullmatch(name) else "*" for name in names[:6])
        key = f"{what} {spelt}".strip()
        if key in self.seen or len(self.seen) < MOST:
            self.seen[key] = self.seen.get(key, 0) + 1
