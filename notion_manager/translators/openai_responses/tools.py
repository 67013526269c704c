"""Tools and the choice among them."""

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from ...errors import Unsupported
from ...fields import Node
from ...turn import FreeformTool, Search, Tool, ToolChoice
from ..ignored import Ignored, alone, safe
from .shells import SHELLS, shell_of

_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
_MODES: dict[str, Literal["auto", "required", "none"]] = {
    "auto": "auto",
    "required": "required",
    "none": "none",
}
_SEARCH = "web_search"  # also web_search_preview and dated names


class Offer(Struct, frozen=True):
    """What the model may use: the client's own tools, and search."""

    tools: tuple[Tool | FreeformTool, ...] = ()
    search: Search = Search()
    choice: ToolChoice = ToolChoice()

    @property
    def shells(self) -> frozenset[str]:
        """The names of those that are OpenAI's own shells."""
        if not self.tools:
            return frozenset()
        return frozenset(tool.name for tool in self.tools if tool in SHELLS)


def offer(given: Iterable[Node], choice: Node, *, parallel: bool, ignored: Ignored) -> Offer:
    """Tools that only OpenAI can run are left out and named in `ignored`.

    Raises BadRequest, and Unsupported where there are no others: who sends them means them.
    """
    tools: list[Tool | FreeformTool] = []
    search = Search()
    left_out: Node | None = None
    for node in given:
        if node["type"].text().startswith(_SEARCH):
            search = _search(node, ignored)
        elif found := _tools(node, ignored):
            tools += found
        elif node["type"].value != "namespace":
            left_out = left_out or node
    if left_out is not None and not tools and not search.web:
        raise alone(left_out)
    offered = Offer(tuple(tools), search, ToolChoice(parallel=parallel))
    return offered if choice.missing else _chosen(offered, choice, ignored)


def _tools(node: Node, ignored: Ignored) -> list[Tool | FreeformTool]:
    if node["type"].value != "namespace":
        return _tool(node, "", ignored)
    name = node["name"].text()
    if node["description"].text(""):
        ignored.note(node["description"].path)
    return [tool for inner in node["tools"].each() for tool in _tool(inner, name, ignored)]


def _tool(node: Node, namespace: str, ignored: Ignored) -> list[Tool | FreeformTool]:
    match kind := node["type"].text():
        case "function":
            return [_function(node, namespace)]
        case "custom":
            return [_custom(node, namespace)]
        case _:
            if shell := shell_of(node):
                return [shell]
            ignored.note(node.path, kind)
            return []


def _function(node: Node, namespace: str) -> Tool:
    parameters = node["parameters"]
    return Tool(
        name=node["name"].text(),
        description=node["description"].text(""),
        schema=_NO_ARGUMENTS if parameters.missing else parameters.encodable(),
        namespace=namespace,
        strict=node["strict"].flag(),
        deferred=node["defer_loading"].flag(),
    )


def _custom(node: Node, namespace: str) -> FreeformTool:
    form = node["format"]
    bound = not form.missing and form["type"].text() == "grammar"
    return FreeformTool(
        name=node["name"].text(),
        description=node["description"].text(""),
        syntax=form["syntax"].one_of(("lark", "regex")) if bound else "",
        grammar=form["definition"].text() if bound else "",
        namespace=namespace,
    )


def _search(node: Node, ignored: Ignored) -> Search:
    """Search with `external_web_access: false` wants a cache that only OpenAI has."""
    if not node["external_web_access"].flag(default=True):
        ignored.note(node.path, node["type"].text())
        return Search()
    ignored.extras(node, ("type", "external_web_access"), within=node.path)
    return Search(web=True)


def _chosen(offered: Offer, node: Node, ignored: Ignored) -> Offer:
    if node.is_text():
        return _confined(offered, node, _MODES[node.one_of(_MODES)])
    match kind := node["type"].text():
        case "function" | "custom":
            _check(offered, node["name"])
            return _with(offered, mode="required", name=node["name"].text())
        case "allowed_tools":
            mode = _MODES[node["mode"].one_of(("auto", "required"), "auto")]
            return _confined(_narrowed(offered, node["tools"], ignored), node, mode)
        case "shell" | "local_shell" if kind in offered.shells:
            return _with(offered, mode="required", name=kind)
        case _ if kind.startswith(_SEARCH):
            ignored.note(node.path, kind)  # Notion searches as it likes
            return offered
        case _:
            told = f"only OpenAI can run {safe(kind)}: choose another tool"
            raise Unsupported(told, field=node.path)


def _with(offered: Offer, *, mode: Literal["auto", "required", "none"], name: str = "") -> Offer:
    return replace(offered, choice=replace(offered.choice, mode=mode, name=name))


def _confined(offered: Offer, node: Node, mode: Literal["auto", "required", "none"]) -> Offer:
    """Who must be searching may do so by itself. Raises BadRequest where nothing can be called."""
    if mode == "required" and not offered.tools:
        if not offered.search.web:
            raise node.fail("there is no tool to call; offer one, or leave this out")
        mode = "auto"
    search = Search() if mode == "none" else offered.search
    return _with(replace(offered, search=search), mode=mode)


def _check(offered: Offer, name: Node) -> None:
    if name.text() not in {tool.name for tool in offered.tools}:
        raise name.fail(f"no tool is named {name.text()[:64]!r}")


def _narrowed(offered: Offer, allowed: Node, ignored: Ignored) -> Offer:
    """Raises BadRequest where it names a tool that is not offered."""
    names: set[str] = set()
    searching = False
    for entry in allowed.each():
        kind = entry["type"].text()
        if kind in ("function", "custom"):
            _check(offered, entry["name"])
            names.add(entry["name"].text())
        elif kind in offered.shells:
            names.add(kind)
        elif kind.startswith(_SEARCH):
            searching = True
        else:
            ignored.note(entry.path, kind)
    return replace(
        offered,
        tools=tuple(tool for tool in offered.tools if tool.name in names),
        search=offered.search if searching else Search(),
    )
