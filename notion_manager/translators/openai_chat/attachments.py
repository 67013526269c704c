"""Files in a message: inline as base64 or in a data URL, or only pointed at."""

from base64 import b64decode
from urllib.parse import unquote_to_bytes

from ...fields import Node
from ...turn import File, FileLink

_UNNAMED = "application/octet-stream"  # of base64 that says no type
_PLAIN = "text/plain"  # of a data URL that says none, by RFC 2397


def image(part: Node) -> File | FileLink:
    """`{"image_url": {"url": …}}`; some clients send the URL bare. Raises BadRequest."""
    link = part["image_url"]
    url = link if link.is_text() else link["url"]
    found = _at(url, "")
    if found is None:
        raise url.fail("expected a data: or http(s): URL")
    return found


def document(part: Node) -> File | FileLink:
    """`{"file": {"file_data" or "file_id", "filename"}}`. Raises BadRequest."""
    file = part["file"]
    name = file["filename"].text("")
    given = file["file_data"]
    if given.missing:
        return FileLink(f"file-id:{file['file_id'].text()}", name=name)
    return _at(given, name) or File(_UNNAMED, _decoded(given, given.text()), name)


def _at(url: Node, name: str) -> File | FileLink | None:
    match url.text()[:8].lower().partition(":")[0]:
        case "data":
            return _inline(url, name)
        case "http" | "https":
            return FileLink(url.text(), name=name)
        case _:
            return None


def _inline(url: Node, name: str) -> File:
    """The file that a data URL spells: `data:image/png;base64,…`."""
    head, comma, payload = url.text().partition(",")
    if not comma:
        raise url.fail("a data URL has a comma before its data")
    media_type, *params = head.partition(":")[2].lower().split(";")
    data = _decoded(url, payload) if "base64" in params else unquote_to_bytes(payload)
    return File(media_type or _PLAIN, data, name)


def _decoded(node: Node, payload: str) -> bytes:
    try:
        return b64decode(payload, validate=True)
    except ValueError:
        raise node.fail("not valid base64") from None
