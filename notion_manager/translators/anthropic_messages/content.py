"""Content of a message: a string, or blocks of many types, into parts.

Blocks that cannot be passed on are noted and left out, whatever their type. A document that is text
already is text here too, below its title, as the vendor shows it to its models.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from ...fields import Node
from ...turn import (
    File,
    FileLink,
    Found,
    Part,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolReference,
    ToolResult,
)
from ..attachments import attached, decoded, located, stored_elsewhere
from ..ignored import Ignored

_T = TypeVar("_T")
_CITED = Source("")  # which source it was matters no more
_Reader = Callable[[Node, Ignored], Iterator[_T]]
_Attached = Text | File | FileLink


def parts(content: Node, role: str, ignored: Ignored) -> tuple[Part, ...]:
    """Empty blocks give no part.

    Raises BadRequest where a block has no type or lacks its value, or is another role's.
    """
    if isinstance(content.value, list):
        for block in content.each():
            _check_role(block, role)
    return tuple(_whole_texts(_read(content, _PARTS, ignored)))


def _whole_texts(parts: Iterable[Part]) -> Iterator[Part]:
    """A text that was cut at its citations, as one again."""
    cut: list[str] = []
    for part in parts:
        if isinstance(part, Text) and (cut or part.cites):
            cut.append(part.text)
            if not part.cites:
                yield Text("".join(cut))
                cut.clear()
            continue
        if cut:
            yield Text("".join(cut))
            cut.clear()
        yield part
    if cut:
        yield Text("".join(cut))


def _check_role(block: Node, role: str) -> None:
    """A call that the user makes, or a result that the model has, would be told wrongly."""
    kind = block["type"].text()
    if _ROLES.get(kind, role) != role:
        raise block["type"].fail(
            f"a {kind} block belongs in a message whose role is {_ROLES[kind]}"
        )


_BILLING = "x-anthropic-billing-header:"


def texts(content: Node, ignored: Ignored) -> Iterator[str]:
    """The texts of a system prompt.

    Claude Code puts a line for the vendor's accounts before them. It says nothing to a model, and
    another thing in each request, so that no two prompts would begin alike.
    """
    for part in _read(content, {"text": _text}, ignored):
        text = part.text
        if text.startswith(_BILLING):
            ignored.note("system", _BILLING[:-1])
            text = text.partition("\n")[2]
        if text:
            yield text


def _read(
    content: Node, readers: Mapping[str, _Reader[_T]], ignored: Ignored
) -> Iterator[_T | Text]:
    if content.is_text():
        yield from _some(content.text())
        return
    if not isinstance(content.value, list):
        raise content.expected("a string or a list")
    for block in content.each():
        yield from _block(block, readers, ignored)


def _block(block: Node, readers: Mapping[str, _Reader[_T]], ignored: Ignored) -> Iterator[_T]:
    kind = block["type"].text()
    if not kind:
        raise block["type"].fail("must not be empty")
    if kind in readers:
        yield from readers[kind](block, ignored)
    else:
        ignored.note(block.path, kind)


def _some(text: str) -> Iterator[Text]:
    if text:
        yield Text(text)


def _text(block: Node, ignored: Ignored) -> Iterator[Text]:
    return _some(block["text"].text())


def _said(block: Node, ignored: Ignored) -> Iterator[Text]:
    """Text of a message; citations end it where more of the same text may follow."""
    cited = bool(block["citations"].value)
    for text in _text(block, ignored):
        yield Text(text.text, (_CITED,)) if cited else text


def _image(block: Node, ignored: Ignored) -> Iterator[_Attached]:
    source = block["source"]
    match source["type"].one_of(("base64", "url", "file")):
        case "base64":
            yield _file(source)
        case "url":
            yield located(source["url"])
        case _:
            raise stored_elsewhere(source["file_id"])


def _document(block: Node, ignored: Ignored) -> Iterator[_Attached]:
    source = block["source"]
    title = block["title"].text("")
    heading = "\n".join(filter(None, (title, block["context"].text(""))))
    match source["type"].one_of(("base64", "text", "url", "content", "file")):
        case "base64":
            yield _file(source, title)
        case "url":
            yield located(source["url"], "application/pdf", title)
        case "file":
            raise stored_elsewhere(source["file_id"])
        case "text":
            yield from _some(_below(heading, source["data"].text()))
        case _:
            yield from _some(heading)
            yield from _read(source["content"], _ATTACHED, ignored)


def _file(source: Node, name: str = "") -> File | Text:
    data = source["data"]
    return attached(source, source["media_type"].text(), decoded(data, data.text()), name)


def _below(heading: str, text: str) -> str:
    return "\n\n".join(filter(None, (heading, text)))


def _search_result(block: Node, ignored: Ignored) -> Iterator[Text]:
    heading = f"{block['title'].text('')}\n{block['source'].text('')}".strip()
    found = "\n\n".join(texts(block["content"], ignored))
    return _some(_below(heading, found))


def _web_results(block: Node, ignored: Ignored) -> Iterator[Found]:
    """The pages that a search found. Their contents are encrypted for the vendor alone."""
    content = block["content"]
    if not isinstance(content.value, list):  # an error object
        ignored.note(block.path, "web_search_tool_result")
        return
    pages = (Source(page["url"].text(""), page["title"].text("")) for page in content.each())
    yield Found((), tuple(pages))


def _server_use(block: Node, ignored: Ignored) -> Iterator[Found]:
    """What was searched for is told again by what was found."""
    if block["name"].text("") != "web_search":
        ignored.note(block.path, "server_tool_use")
    return iter(())


def _compaction(block: Node, ignored: Ignored) -> Iterator[Text]:
    """A summary of the conversation so far; where only the vendor can read it, it is lost."""
    if block["content"].missing:
        ignored.note(block.path, "compaction")
    return _some(block["content"].text(""))


def _thinking(block: Node, ignored: Ignored) -> Iterator[Thinking]:
    thinking = Thinking(block["thinking"].text(""), block["signature"].text(""))
    if thinking.text or thinking.signature:
        yield thinking


def _tool_use(block: Node, ignored: Ignored) -> Iterator[ToolCall]:
    given = block["input"].or_empty()
    given.object()
    yield ToolCall(block["id"].text(), block["name"].text(), given.json())


def _tool_result(block: Node, ignored: Ignored) -> Iterator[ToolResult]:
    content = block["content"]
    found = () if content.missing else tuple(_read(content, _RESULT, ignored))
    yield ToolResult(block["tool_use_id"].text(), found, block["is_error"].flag())


def _tool_reference(block: Node, ignored: Ignored) -> Iterator[ToolReference]:
    yield ToolReference(block["tool_name"].text())


_ATTACHED: Mapping[str, _Reader[_Attached]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}
_RESULT: Mapping[str, _Reader[_Attached | ToolReference]] = {
    **_ATTACHED,
    "tool_reference": _tool_reference,
}
_ROLES: Mapping[str, str] = {"tool_use": "assistant", "tool_result": "user"}
_PARTS: Mapping[str, _Reader[Part]] = {
    **_ATTACHED,
    "text": _said,
    "thinking": _thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "server_tool_use": _server_use,
    "web_search_tool_result": _web_results,
    "compaction": _compaction,
}
