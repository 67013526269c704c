"""What stands at each path."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from ..errors import MethodNotAllowed, NotFound

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Methods = Mapping[str, Handler]
"""Handlers by method; the one of GET answers HEAD too."""


class Routes:
    """Handlers by path, and by what a path begins with, its slash included.

    aiohttp's own application does the same and more; that costs a tenth of a whole answer.
    """

    def __init__(self, exact: Mapping[str, Methods], below: Mapping[str, Methods]) -> None:
        self._exact = exact
        self._below = below

    def find(self, method: str, path: str) -> Handler:
        """Raises NotFound, MethodNotAllowed."""
        methods = self._exact.get(path)
        if methods is None:
            methods = self._found_below(path)
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))
            raise MethodNotAllowed(f"{path[:200]} takes {allowed}", allowed=allowed)
        return handler

    def _found_below(self, path: str) -> Methods:
        for beginning, methods in self._below.items():
            if path.startswith(beginning) and path != beginning:
                return methods
        raise NotFound(f"there is nothing at {path[:200]}")
