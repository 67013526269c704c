"""Files in a message: inline as base64 or in a data URL, or only pointed at."""

from ...fields import Node
from ...turn import File, FileLink
from ..attachments import bare, inline


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
    return _at(given, name) or bare(given, name)


def _at(url: Node, name: str) -> File | FileLink | None:
    match url.text()[:8].lower().partition(":")[0]:
        case "data":
            return inline(url, name)
        case "http" | "https":
            return FileLink(url.text(), name=name)
        case _:
            return None
