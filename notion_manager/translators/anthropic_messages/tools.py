"""The tools that a request offers, and how it wants them used."""

from collections.abc import Iterable, Mapping
from typing import Literal

from ...errors import Unsupported
from ...fields import Node
from ...turn import Search, Tool, ToolChoice
from ..ignored import Ignored, alone, safe
from .client_tools import client_tool

_SEARCH = "web_search_"
_PLACEHOLDER = "DeferredToolPlaceholder"  # Claude Code sends it for the vendor's cache alone
_CUSTOM = frozenset({
    "type", "name", "description", "input_schema", "strict", "defer_loading",
    "cache_control", "eager_input_streaming",  # how, not what
})  # fmt: skip
_SERVER = frozenset({"type", "name", "cache_control"})
_CLIENT = _SERVER | {"strict", "defer_loading", "max_characters"}  # the client minds the last
_MODES: dict[str, Literal["auto", "required", "none"]] = {
    "auto": "auto",
    "any": "required",
    "none": "none",
}


def tools_of(root: Node, ignored: Ignored) -> tuple[tuple[Tool, ...], Search]:
    """Tools of the client's own, and what those of the vendor come to.

    Those that the client runs are offered like its own. A web search tool asks the upstream to
    search by itself; other tools that only the vendor can run are noted. Raises Unsupported where
    there are no others: who sends them means them.
    """
    tools: list[Tool] = []
    search = Search()
    left_out: Node | None = None
    for node in root["tools"].each():
        kind = node["type"].text("custom")
        if kind == "custom":
            tools.extend(_custom(node, ignored))
        elif kind.startswith(_SEARCH):
            ignored.extras(node, _SERVER, within=node.path)
            search = Search(web=True)
        elif tool := client_tool(node):
            ignored.extras(node, _CLIENT, within="tools[]")
            tools.append(tool)
        else:
            ignored.note(node.path, kind)
            left_out = left_out or node
    if left_out is not None and not tools and not search.web:
        raise alone(left_out)
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
        {"type": "object"} if given.missing else given.encodable(),
        strict=node["strict"].flag(),
        deferred=deferred,
    )


def choice_of(root: Node, tools: Iterable[Tool]) -> ToolChoice:
    """A choice of the vendor's search is left to the model: the service searches as it likes.

    Raises BadRequest where it names a tool that the request does not have, and Unsupported for one
    that only the vendor can run.
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
        kind = _vendors(root).get(name)
        if kind is None:
            raise node["name"].fail("no tool with this name is offered")
        if not kind.startswith(_SEARCH):
            told = f"only the vendor can run {safe(name)} ({safe(kind)}): choose another tool"
            raise Unsupported(told, field=node["name"].path)
        return ToolChoice(parallel=parallel)
    if kind == "any" and not ours:
        if not any(each.startswith(_SEARCH) for each in _vendors(root).values()):
            raise node.fail("there is no tool to call; offer one, or leave this out")
        return ToolChoice(parallel=parallel)
    return ToolChoice(_MODES[kind], parallel=parallel)


def _vendors(root: Node) -> Mapping[str, str]:
    """The vendor's tools of the request, by name: what they are."""
    kinds = {node["name"].text(""): node["type"].text("custom") for node in root["tools"].each()}
    return {name: kind for name, kind in kinds.items() if kind != "custom"}
