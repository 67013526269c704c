"""A list of what a request has that means nothing here: bounded, and safe in a header."""

import re
from collections.abc import Collection

from ..errors import Unsupported
from ..fields import Node

_AT_MOST = 32  # entries
_LONGEST = 64  # characters of a name that the client made up
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class Ignored:
    """Grows while a request is read. A name that is noted twice is listed once."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def note(self, path: str, kind: str = "") -> None:
        """`path` is ours; `kind`, the client's word for what stands there, is made safe."""
        if len(self._names) < _AT_MOST:
            self._names[f"{path} ({safe(kind)})" if kind else path] = None

    def extras(self, node: Node, known: Collection[str], *, within: str = "") -> None:
        """Note the members of an object that are not `known`, as `within.name`."""
        for name, value in node.object().items():
            if name not in known and value is not None:
                self.note(f"{within}.{safe(name)}" if within else safe(name))

    def names(self) -> tuple[str, ...]:
        return tuple(self._names)


def alone(node: Node) -> Unsupported:
    """Of a tool that is left out where there is no other: who sends it means it."""
    kind = safe(node["type"].text())
    told = f"only the vendor can run {kind}, and no other tool is offered; offer one of your own"
    return Unsupported(told, field=node.path)


def safe(name: str) -> str:
    """A name that the client made up, fit for a header."""
    return _UNSAFE.sub("_", name[:_LONGEST]) or "_"
