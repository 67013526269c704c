"""Files in a message: inline as base64 or in a data URL, or only pointed at."""

from ...fields import Node
from ...turn import File, FileLink, Text
from ..attachments import bare, inline, linked, stored_elsewhere


def image(part: Node) -> File | FileLink | Text:
    """`{"image_url": {"url": …}}`; some clients send the URL bare. Raises BadRequest."""
    link = part["image_url"]
    url = link if link.is_text() else link["url"]
    return inline(url) if _is_data(url) else linked(url)


def document(part: Node) -> File | FileLink | Text:
    """`{"file": {"file_data" or "file_id", "filename"}}`. Raises BadRequest."""
    file = part["file"]
    name = file["filename"].text("")
    given = file["file_data"]
    if given.missing:
        raise stored_elsewhere(file["file_id"])
    if _is_data(given):
        return inline(given, name)
    return linked(given, name=name) if "://" in given.text()[:8] else bare(given, name)


def _is_data(url: Node) -> bool:
    return url.text()[:5].lower() == "data:"
