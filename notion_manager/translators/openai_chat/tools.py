"""Tools, and the choice among them, in Chat's present forms and in the older `functions`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...fields import Node
from ...turn import FreeformTool, Tool, ToolChoice
from ..ignored import Ignored, alone

_MODES: Mapping[str, ToolChoice] = {
    "auto": ToolChoice(),
    "none": ToolChoice("none"),
    "required": ToolChoice("required"),
}
_SEARCH = "web_search"  # also web_search_preview and dated names
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


class Offer(Struct, frozen=True):
    """The tools that the model may use now."""

    tools: tuple[Tool | FreeformTool, ...]
    choice: ToolChoice
    older: bool = False
    """They came as `functions` alone: of these an answer calls one, in the form of that time."""
    searching: bool = False
    """A tool of the Responses API is among them that searches the web, as some clients send it,
    and may be used."""


_FIELDS = frozenset({"tools", "functions", "tool_choice", "function_call", "parallel_tool_calls"})
_NOTHING = Offer((), ToolChoice())


def offer(root: Node, ignored: Ignored) -> Offer:
    """Raises BadRequest with the path of what is malformed, and Unsupported for tools of others."""
    if _FIELDS.isdisjoint(root.object()):
        return _NOTHING
    listed = [(node, _tool(node)) for node in root["tools"].each()]
    tools = (*(tool for _, tool in listed if tool), *map(_function, root["functions"].each()))
    others = [node for node, tool in listed if tool is None]
    searching = any([_searches(node, ignored) for node in others])
    if others and not tools and not searching:
        raise alone(others[0])
    choice, allowed = _choice(root)
    if searching and not tools and choice.mode == "required":
        choice = ToolChoice()  # who must be searching may do so by itself
    _check(root, choice, tools, allowed or ())
    older = root["tools"].missing and not root["functions"].missing
    parallel = root["parallel_tool_calls"].flag(default=True)
    return Offer(
        tools=tuple(t for t in tools if allowed is None or t.name in allowed),
        choice=replace(choice, parallel=not older and parallel),
        older=older,
        searching=searching and choice.mode != "none",
    )


def _searches(node: Node, ignored: Ignored) -> bool:
    """Whether a tool that is none of the client's is one that searches; any other is noted."""
    kind = node["type"].text()
    if kind.startswith(_SEARCH):
        ignored.extras(node, ("type",), within=node.path)
        return True
    ignored.note(node.path, kind)
    return False


def _check(
    root: Node, choice: ToolChoice, tools: Sequence[Tool | FreeformTool], allowed: Collection[str]
) -> None:
    """Raises BadRequest where it confines the model to what is not offered."""
    node = root["function_call"] if root["tool_choice"].missing else root["tool_choice"]
    names = {tool.name for tool in tools}
    for name in (choice.name, *sorted(allowed)):
        if name and name not in names:
            raise node.fail(f"no tool is named {name[:64]!r}")
    if choice.mode == "required" and not names:
        raise node.fail("there is no tool to call; offer one, or leave this out")


def _tool(node: Node) -> Tool | FreeformTool | None:
    match node["type"].text("function"):
        case "function":
            return _function(node["function"])
        case "custom":
            return _custom(node["custom"])
        case _:
            return None


def _function(node: Node) -> Tool:
    parameters = node["parameters"]
    return Tool(
        name=_name(node),
        description=node["description"].text(""),
        schema=_NO_PARAMETERS if parameters.missing else parameters.encodable(),
        strict=node["strict"].flag(),
    )


def _custom(node: Node) -> FreeformTool:
    tool = FreeformTool(_name(node), node["description"].text(""))
    form = node["format"]
    if form.missing or form["type"].one_of(("text", "grammar")) == "text":
        return tool
    grammar = form["grammar"]
    syntax = grammar["syntax"].one_of(("lark", "regex"))
    return replace(tool, syntax=syntax, grammar=grammar["definition"].text())


def _choice(root: Node) -> tuple[ToolChoice, frozenset[str] | None]:
    """The choice, and the names it is confined to; None confines it to nothing."""
    for key in ("tool_choice", "function_call"):
        node = root[key]
        if node.is_text():
            return _MODES[node.one_of(_MODES)], None
        if not node.missing:
            return _confined(node) if key == "tool_choice" else (_named(node), None)
    return ToolChoice(), None


def _confined(node: Node) -> tuple[ToolChoice, frozenset[str] | None]:
    kind = node["type"].one_of(("function", "custom", "allowed_tools"))
    if kind != "allowed_tools":
        return _named(node[kind]), None
    allowed = node[kind]
    mode = _MODES[allowed["mode"].one_of(("auto", "required"))]
    return mode, _names(allowed["tools"].each())


def _names(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(_name(n[n["type"].one_of(("function", "custom"))]) for n in nodes)


def _named(node: Node) -> ToolChoice:
    return ToolChoice("required", _name(node))


def _name(node: Node) -> str:
    name = node["name"]
    if not name.text():
        raise name.fail("must not be empty")
    return name.text()
