"""The tools that a request offers, and how it wants them used."""

from collections.abc import Iterable
from typing import Literal

from ...fields import Node
from ...turn import Search, Tool, ToolChoice
from ..ignored import Ignored
from .content import schema

_PLACEHOLDER = "DeferredToolPlaceholder"  # Claude Code sends it for the vendor's cache alone
_CUSTOM = frozenset({
    "type", "name", "description", "input_schema", "strict", "defer_loading",
    "cache_control", "eager_input_streaming",  # how, not what
})  # fmt: skip
_SERVER = frozenset({"type", "name", "cache_control"})
_MODES: dict[str, Literal["auto", "required", "none"]] = {
    "auto": "auto",
    "any": "required",
    "none": "none",
}


def tools_of(root: Node, ignored: Ignored) -> tuple[tuple[Tool, ...], Search]:
    """Tools of the client's own, and what those of the vendor come to.

    A web search tool asks the upstream to search by itself; other tools that the vendor runs, or
    of which it alone knows the schema, are noted.
    """
    tools: list[Tool] = []
    search = Search()
    for node in root["tools"].each():
        kind = node["type"].text("custom")
        if kind == "custom":
            tools.extend(_custom(node, ignored))
        elif kind.startswith("web_search_"):
            ignored.extras(node, _SERVER, within=node.path)
            search = Search(web=True)
        else:
            ignored.note(node.path, kind)
    return tuple(tools), search


def _custom(node: Node, ignored: Ignored) -> Iterable[Tool]:
    ignored.extras(node, _CUSTOM, within="tools[]")
    name = node["name"].text()
    if not name:
        raise node["name"].fail("must not be empty")
    deferred = node["defer_loading"].flag()
    if deferred and name == _PLACEHOLDER:
        return
    given = node["input_schema"]
    yield Tool(
        name,
        node["description"].text(""),
        {"type": "object"} if given.missing else schema(given),
        strict=node["strict"].flag(),
        deferred=deferred,
    )


def choice_of(root: Node, tools: Iterable[Tool]) -> ToolChoice:
    """A choice that only the vendor's own tools could satisfy is left to the model.

    Raises BadRequest where it names a tool that the request does not have.
    """
    node = root["tool_choice"]
    if node.missing:
        return ToolChoice()
    kind = node["type"].one_of(("auto", "any", "tool", "none"))
    parallel = not node["disable_parallel_tool_use"].flag()
    ours = {tool.name for tool in tools}
    if kind == "tool":
        name = node["name"].text()
        if name in ours:
            return ToolChoice("required", name, parallel)
        if name not in _server_names(root):
            raise node["name"].fail("no tool of this name is offered")
        return ToolChoice(parallel=parallel)
    mode = "auto" if kind == "any" and not ours else _MODES[kind]
    return ToolChoice(mode, parallel=parallel)


def _server_names(root: Node) -> Iterable[str]:
    for node in root["tools"].each():
        if node["type"].text("custom") != "custom":
            yield node["name"].text("")
