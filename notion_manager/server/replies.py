"""Bodies in JSON, for pages that no API has a shape for."""

from aiohttp import web

from ..wire import dumps


def as_json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=dumps(value), status=status, content_type="application/json")
