"""The parts of a message or of a tool's result, read into the turn's vocabulary."""

from ...errors import Unsupported
from ...fields import Node
from ...turn import File, FileLink, Text
from ..attachments import enclosed, located, stored_elsewhere
from ..ignored import Ignored

_TEXTS = {
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "text": "text",
    "refusal": "refusal",
}


def content(node: Node, ignored: Ignored) -> tuple[Text | File | FileLink, ...]:
    """A string, or a list of parts; parts of unknown types are left out and named in `ignored`.

    Raises BadRequest, and Unsupported for audio.
    """
    if node.is_text():
        return (Text(node.text()),)
    if node.missing:
        raise node.expected("a string or a list")
    parts = (_part(entry, ignored) for entry in node.each())
    return tuple(part for part in parts if part is not None)


def spelled(node: Node) -> str:
    """A string as it is, anything else as its JSON."""
    return node.text() if node.is_text() else node.json()


def _part(node: Node, ignored: Ignored) -> Text | File | FileLink | None:
    kind = node["type"].text()
    if key := _TEXTS.get(kind):
        return Text(node[key].text())
    match kind:
        case "input_image":
            return _image(node, ignored)
        case "input_file":
            return _file(node)
        case "input_audio":
            raise Unsupported("audio cannot be passed on; send a transcript", field=node.path)
        case _:
            ignored.note(node.path, kind)
            return None


def _image(node: Node, ignored: Ignored) -> File | FileLink | Text:
    if node["detail"].value not in (None, "auto"):
        ignored.note(node["detail"].path)
    url = node["image_url"]
    if not url.missing:
        return located(url)
    raise _uploaded(node, "image_url or file_id")


def _file(node: Node) -> File | FileLink | Text:
    name = node["filename"].text("")
    if not (data := node["file_data"]).missing:
        return enclosed(data, name)
    if not (url := node["file_url"]).missing:
        return located(url, name=name)
    raise _uploaded(node, "file_data, file_url or file_id")


def _uploaded(node: Node, wanted: str) -> Unsupported:
    if node["file_id"].missing:
        raise node.fail(f"expected {wanted}")
    return stored_elsewhere(node["file_id"])
