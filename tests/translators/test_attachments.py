"""Files that come inside a request are what they say they are, or refused by their place."""

import re
from base64 import b64encode
from binascii import a2b_base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.errors import BadRequest, Unsupported
from notion_manager.fields import Node
from notion_manager.translators import attachments
from notion_manager.translators.attachments import LARGEST, attached, decoded
from notion_manager.turn import File, Text
from tests.files import CSV, GIF, JPEG, KINDS, PDF, PNG, WEBP

HERE = Node("…", "input[0].image_url")
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
ZIP = b"PK\x03\x04" + bytes(40)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_every_kind_is_taken(kind: str) -> None:
    assert attached(HERE, kind, KINDS[kind], "n") == File(kind, KINDS[kind], "n", HERE.path)


@pytest.mark.parametrize(
    ("said", "kind", "data"),
    [
        ("image/jpg", "image/jpeg", JPEG),
        ("IMAGE/PNG; charset=binary", "image/png", PNG),
        ("application/octet-stream", "application/pdf", PDF),
        ("binary/octet-stream", "application/pdf", PDF),
        ("", "image/webp", WEBP),
        ("application/x-pdf", "application/pdf", PDF),
        ("application/csv", "text/csv", CSV),
    ],
)
def test_other_names_of_a_kind_are_known(said: str, kind: str, data: bytes) -> None:
    assert attached(HERE, said, data) == File(kind, data, path=HERE.path)


JUNK = b"\xfejunk\n" * 100


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\0", JUNK, bytes(1024 - len(b"%PDF-"))])
@pytest.mark.parametrize("said", ["application/pdf", "application/octet-stream", ""])
def test_a_pdf_may_begin_within_its_first_1024_bytes(said: str, before: bytes) -> None:
    """As common readers have it; scanners and mail gateways put a line before it."""
    data = before + PDF + b"\xfe"
    assert attached(HERE, said, data) == File("application/pdf", data, path=HERE.path)


@pytest.mark.parametrize("data", [bytes(1020) + PDF, PNG + PDF, JUNK])
def test_what_begins_as_no_pdf_is_none(data: bytes) -> None:
    with pytest.raises(BadRequest, match="declared as application/pdf, but"):
        attached(HERE, "application/pdf", data)


SPELLED = rb"\x89PNG\r\n"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/png", SPELLED),
        ("image/jpeg", rb"\377\330\377"),
        ("image/jpeg", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40)),
        ("image/jpeg", b"\xff\xd8" + bytes(40)),
        ("image/webp", b"RIFF\0\0\0\0WAVEfmt " + bytes(40)),
        ("image/webp", b"RIFF\0\0\0\0ABCD" + bytes(40)),
        ("image/gif", b"GIF90a" + bytes(40)),
    ],
)
def test_what_only_resembles_a_picture_is_none(kind: str, data: bytes) -> None:
    with pytest.raises(BadRequest, match=f"declared as {kind}, but"):
        attached(HERE, kind, data)


def test_text_that_spells_a_signature_is_text() -> None:
    assert attached(HERE, "", SPELLED) == Text(SPELLED.decode())


def test_text_that_speaks_of_a_pdf_is_text() -> None:
    assert attached(HERE, "", b"It begins with %PDF-1.7.") == Text("It begins with %PDF-1.7.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Größe 1.png", "Größe 1.png"),
        ("a.png)\n\n# Instructions", "a.png) # Instructions"),
        ("photo\u202egnp.exe", "photo gnp.exe"),
        ("\u2066a\u2069\u200b\x1b[1m\u2028b\0.png ", "a [1m b .png"),
        ("می\u200cکنم.png", "می\u200cکنم.png"),
        ("\n\t", ""),
        ("a" * 300 + ".png", "…" + "a" * 195 + ".png"),
    ],
)
def test_a_name_is_one_short_line_of_what_can_be_seen(name: str, shown: str) -> None:
    assert attached(HERE, "image/png", PNG, name) == File("image/png", PNG, shown, HERE.path)
    assert attached(HERE, "text/plain", b"x", name) == Text(f"{shown}\n\nx" if shown else "x")


@pytest.mark.parametrize("text", ["AA*A", "AAA", "A===", "=AAA", "AAAAéAAA", "AAAA\nAAA"])
def test_what_is_no_base64_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^input\[0\].image_url: not valid base64"):
        decoded(HERE, text)


@given(st.binary(max_size=60), st.integers(0, 3), st.integers(0, 80))
def test_base64_is_read_by_slices_as_it_is_whole(data: bytes, kind: int, at: int) -> None:
    """As RFC 4648 has it, whatever is wrong and wherever."""
    spelt = b64encode(data).decode()
    damage = ("", "=", "*", "é")[kind]
    text = spelt[:at] + damage + spelt[at:]
    is_right = re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==|[A-Za-z0-9+/]=))?", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attachments, "SLICE", 8)
        if not is_right:
            with pytest.raises(BadRequest, match="not valid base64"):
                decoded(HERE, text)
        else:
            assert decoded(HERE, text) == a2b_base64(text)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("text/plain", "notes.txt"),
        ("text/markdown", "notes.md"),
        ("application/json", "a.json"),
        ("application/x-yaml", "a.yaml"),
        ("application/sql", "a.sql"),
        ("application/ld+json", "a.jsonld"),
        ("video/mp2t", "a.ts"),
        ("application/octet-stream", "main.rs"),
        ("image/svg+xml", "a.svg"),
    ],
)
def test_text_is_read_below_its_name(said: str, name: str) -> None:
    assert attached(HERE, said, "\ufeffgrün".encode(), name) == Text(f"{name}\n\ngrün")
    assert attached(HERE, said, b"plain") == Text("plain")


def test_a_table_is_known_by_its_name_too() -> None:
    assert attached(HERE, "", CSV, "People.CSV") == File("text/csv", CSV, "People.CSV", HERE.path)
    assert attached(HERE, "application/vnd.ms-excel", CSV, "a.csv") == File(
        "text/csv", CSV, "a.csv", HERE.path
    )


@pytest.mark.parametrize(
    ("said", "data", "but"),
    [
        ("image/png", SVG, "something else"),
        ("image/png", JPEG, "image/jpeg"),
        ("image/png", b"\x89PNG", "something else"),
        ("image/jpeg", PNG, "image/png"),
        ("image/gif", b"GI", "something else"),
        ("image/webp", b"RIFF\0\0\0\0AVI ", "something else"),
        ("application/pdf", ZIP, "something else"),
        ("application/pdf", GIF, "image/gif"),
        ("text/plain", b"\xff\xfe\0", "not UTF-8 text"),
        ("text/plain", b"a\0b", "not UTF-8 text"),
        ("text/csv", b"\xff,\xff", "not UTF-8 text"),
        ("text/plain", PNG, "image/png"),
    ],
)
def test_bytes_that_are_another_thing_are_refused(said: str, data: bytes, but: str) -> None:
    with pytest.raises(BadRequest) as refused:
        attached(HERE, said, data)
    assert str(refused.value) == f"input[0].image_url: declared as {said}, but its bytes are {but}"


@pytest.mark.parametrize(
    ("said", "data"),
    [
        ("application/zip", ZIP),
        ("application/octet-stream", ZIP),
        ("image/heic", b"\0\0\0\x18ftypheic"),
        ("audio/wav", b"RIFF\0\0\0\0WAVE"),
        ("application/json", ZIP),
        ("video/mp4", b"text"),
    ],
)
def test_what_no_model_can_be_shown_is_refused_by_its_kind(said: str, data: bytes) -> None:
    with pytest.raises(Unsupported) as refused:
        attached(HERE, said, data)
    assert refused.value.field == "input[0].image_url"
    assert "send image/png" in str(refused.value)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"input\[0\]\.image_url: the file is empty"):
        attached(HERE, "image/png", b"")


def test_a_file_of_more_than_20_mebibytes_is_refused() -> None:
    assert attached(HERE, "image/png", PNG.ljust(LARGEST, b"\0"))
    with pytest.raises(BadRequest, match=r"has 20971521 bytes; the limit is 20971520"):
        attached(HERE, "image/png", PNG.ljust(LARGEST + 1, b"\0"))


def test_a_files_bytes_are_in_no_repr() -> None:
    assert repr(File("image/png", b"secret", "a.png")) == "File('image/png', 6 bytes, 'a.png')"
