"""Files that come inside a request: base64, bare or in a data URL."""

from base64 import b64decode
from urllib.parse import unquote_to_bytes

from ..fields import Node
from ..turn import File

UNNAMED = "application/octet-stream"
_PLAIN = "text/plain"  # of a data URL that names none, by RFC 2397


def decoded(node: Node, text: str) -> bytes:
    """What base64 spells. Raises BadRequest that names `node`."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise node.fail("not valid base64") from None


def inline(url: Node, name: str = "") -> File:
    """The file in a data URL: `data:image/png;base64,…`. Raises BadRequest."""
    head, comma, payload = url.text().partition(",")
    if not comma:
        raise url.fail("a data URL has a comma before its data")
    media_type, *params = head.partition(":")[2].lower().split(";")
    data = decoded(url, payload) if "base64" in params else unquote_to_bytes(payload)
    return File(media_type or _PLAIN, data, name)


def bare(node: Node, name: str = "") -> File:
    """Base64 that says no type. Raises BadRequest."""
    data = decoded(node, node.text())
    return File("application/pdf" if data.startswith(b"%PDF") else UNNAMED, data, name)
