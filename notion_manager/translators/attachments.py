"""Files that come inside a request: base64, bare or in a data URL. Text among them is read here."""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from urllib.parse import unquote_to_bytes

from ..errors import Unsupported
from ..fields import Node
from ..redact import lined
from ..turn import File, FileLink, Text

LARGEST = 20 << 20
"""Bytes of one file, by the limit of Notion's own client."""

SLICE = 1 << 18  # characters, of which four are three bytes
PADDING = 2  # characters at the end

UNKNOWN = "application/octet-stream"
_PDF = "application/pdf"
_SIGNED = ("image/png", "image/jpeg", "image/gif", "image/webp", _PDF)
_TABLE = "text/csv"
_OTHER_NAMES: Mapping[str, str] = {
    "": UNKNOWN,
    "binary/octet-stream": UNKNOWN,  # of whatever a bucket was not told the type
    "image/jpg": "image/jpeg",
    "application/csv": _TABLE,
    "application/vnd.ms-excel": UNKNOWN,  # of a table too, where a spreadsheet program is installed
    "application/x-pdf": _PDF,
}
_TEXTUAL = ("text/", "application/", "image/svg+xml", "video/mp2t")
"""What may be text. The last is what a name in `.ts` is commonly taken for."""
_HEAD = 4096  # bytes that are looked at to tell what a file is
_LIKELY = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|(\r\n)?%PDF", re.DOTALL
)
_KNOWN = 64  # files that come again with each question
_PDF_HEAD = 1024  # bytes within which readers look for its signature
_LONGEST_NAME = 200  # characters


def decoded(node: Node, text: str) -> bytes:
    """What base64 spells. Raises BadRequest that names `node`.

    A slice at a time: while one is decoded nothing else of the process runs, in whatever thread.
    """
    padding = text.find("=")
    if len(text) % 4 or 0 <= padding < len(text) - PADDING:
        raise node.fail("not valid base64")
    data = BytesIO()
    try:
        for at in range(0, len(text), SLICE):
            data.write(a2b_base64(text[at : at + SLICE], strict_mode=True))
    except ValueError:
        raise node.fail("not valid base64") from None
    return data.getvalue()


def inline(url: Node, name: str = "") -> File | Text:
    """The file in a data URL: `data:image/png;base64,…`. Raises BadRequest."""
    head, comma, payload = url.text().partition(",")
    if not comma:
        raise url.fail("a data URL needs a comma before its data")
    media_type, *params = head.partition(":")[2].lower().split(";")
    data = decoded(url, payload) if "base64" in params else unquote_to_bytes(payload)
    return attached(url, media_type, data, name)


def bare(node: Node, name: str = "") -> File | Text:
    """Base64 that says no type. Raises BadRequest."""
    return attached(node, UNKNOWN, decoded(node, node.text()), name)


def located(url: Node, media_type: str = "", name: str = "") -> File | FileLink | Text:
    """A file in a data URL, or at any other. Raises BadRequest."""
    is_data = url.text()[:5].lower() == "data:"
    return inline(url, name) if is_data else linked(url, media_type, name)


def enclosed(data: Node, name: str) -> File | FileLink | Text:
    """OpenAI's `file_data`: a data URL, its base64 alone, or a link. Raises BadRequest."""
    return located(data, name=name) if ":" in data.text()[:8] else bare(data, name)


def stored_elsewhere(node: Node) -> Unsupported:
    """The refusal of a `file_id`."""
    return Unsupported(
        "this file is stored by another service; send the file itself as base64",
        field=node.path,
    )


def linked(url: Node, media_type: str = "", name: str = "") -> FileLink:
    """A file that is only pointed at. Raises BadRequest."""
    if not url.text().lower().startswith(("https://", "http://")):
        raise url.fail("expected a data:, https: or http: URL")
    return FileLink(url.text(), media_type, name, url.path)


def attached(node: Node, media_type: str, data: bytes, name: str = "") -> File | Text:
    """The file, once its bytes are found to be what it is said to be; text below its name.

    Raises BadRequest that names `node`: for a file that is empty, too large, of another type than
    declared, or of a type that no model can be shown.
    """
    if not data:
        raise node.fail("the file is empty")
    if len(data) > LARGEST:
        raise node.fail(f"the file has {len(data)} bytes; the limit is {LARGEST}")
    media_type = media_type.partition(";")[0].strip().lower()
    media_type = _OTHER_NAMES.get(media_type, media_type)
    name = _tidy(name)
    found = _found(data, media_type)
    if found in _SIGNED and media_type in (found, UNKNOWN):
        return File(found, data, name, node.path)
    if media_type in _SIGNED:
        raise node.fail(f"declared as {media_type}, but its bytes are {found or 'something else'}")
    text = _text(data)
    if text is None and media_type.startswith("text/"):
        but = found or "not UTF-8 text"
        raise node.fail(f"declared as {media_type[:64]}, but its bytes are {but}")
    if text is None or not (media_type == UNKNOWN or media_type.startswith(_TEXTUAL)):
        raise _unsupported(node, media_type)
    if media_type == _TABLE or name.lower().endswith(".csv"):
        return File(_TABLE, data, name, node.path)
    return Text(f"{name}\n\n{text}" if name else text)


def _unsupported(node: Node, media_type: str) -> Unsupported:
    kinds = ", ".join((*_SIGNED, _TABLE))
    return Unsupported(
        f"files of type {media_type[:64]} cannot be shown to a model; send {kinds} or plain text",
        field=node.path,
    )


def _tidy(name: str) -> str:
    """On one line, short, and with nothing that is not seen: anybody may have chosen it."""
    line = lined(name[-2 * _LONGEST_NAME :])
    return line if len(line) <= _LONGEST_NAME else f"…{line[1 - _LONGEST_NAME :]}"


def _found(data: bytes, media_type: str) -> str:
    """What the bytes are, by their signature; "" where that says nothing."""
    return _signed(data) or (_PDF if _holds_pdf(data, media_type) else "")


def _holds_pdf(data: bytes, media_type: str) -> bool:
    """Whether it is one with something before its signature, and not a text about them."""
    begins = b"%PDF-" in data[:_PDF_HEAD]
    return begins and (media_type == _PDF or (media_type == UNKNOWN and _text(data) is None))


def _signed(data: bytes) -> str:
    """The library knows signatures that only resemble these, and takes half a millisecond."""
    return _recognised(data[:_HEAD]) if _LIKELY.match(data) else ""


@lru_cache(_KNOWN)
def _recognised(head: bytes) -> str:
    import puremagic  # noqa: PLC0415 - most processes never see a file, and its tables are large

    found = puremagic.from_string(head, mime=True)  # pyright: ignore[reportUnknownMemberType]
    return found if found in _SIGNED else ""


def _text(data: bytes) -> str | None:
    """Plain text, if the bytes are that."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
