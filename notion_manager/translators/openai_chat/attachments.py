"""Files in a message: inline as base64 or in a data URL, or only pointed at."""

from ...fields import Node
from ...turn import File, FileLink, Text
from ..attachments import enclosed, located, stored_elsewhere


def image(part: Node) -> File | FileLink | Text:
    """`{"image_url": {"url": …}}`; some clients send the URL bare. Raises BadRequest."""
    link = part["image_url"]
    return located(link if link.is_text() else link["url"])


def document(part: Node) -> File | FileLink | Text:
    """`{"file": {"file_data" or "file_id", "filename"}}`. Raises BadRequest."""
    file = part["file"]
    if not (given := file["file_data"]).missing:
        return enclosed(given, file["filename"].text(""))
    if file["file_id"].missing:
        raise file.fail("expected file_data or file_id")
    raise stored_elsewhere(file["file_id"])
