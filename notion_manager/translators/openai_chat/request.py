"""A request body to a `Turn`.

What has no meaning here is listed; what would be a lie is refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ...errors import Unsupported
from ...fields import Node
from ...turn import EFFORTS, Effort, JsonOutput, Limits, Search, Turn
from ..ignored import Ignored, safe
from ..searching import searched
from .messages import conversation
from .tools import Offer, offer

_NAMES = """
model messages stream stream_options max_tokens max_completion_tokens stop
tools tool_choice functions function_call parallel_tool_calls
response_format reasoning_effort web_search_options
n logprobs top_logprobs audio modalities
"""
_UNDERSTOOD = frozenset(_NAMES.split())
_REFUSALS = {
    "n": "only one answer is given; leave it out or send 1",
    "logprobs": "token probabilities are not available; leave it out",
    "top_logprobs": "token probabilities are not available; leave it out",
    "audio": "answers cannot be spoken; leave it out",
    "modalities": 'answers cannot be spoken; leave it out or send ["text"]',
}
_SESSION_HEADERS = ("x-session-affinity", "x-session-id")
_SESSION_FIELDS = ("prompt_cache_key", "user")


class Request(Struct, frozen=True):
    """`usage` is whether a stream shall end with its usage."""

    turn: Turn
    stream: bool
    usage: bool
    older: bool
    ignored: tuple[str, ...]


def read(body: bytes, headers: Mapping[str, str]) -> Request:
    """Raises BadRequest with the path of the field, and Unsupported for what would be a lie."""
    root = Node.parse(body)
    _refuse(root)
    ignored = Ignored()
    system, messages = conversation(root["messages"], ignored)
    offered = offer(root, ignored)
    session = _session(root, headers)
    search = _search(root["web_search_options"], ignored, offered)
    turn = Turn(
        model=root["model"].text(""),
        messages=messages,
        system=system,
        tools=offered.tools,
        tool_choice=offered.choice,
        output=_output(root["response_format"]),
        limits=_limits(root),
        effort=_effort(root["reasoning_effort"]),
        search=searched(search, headers),
        citations="linked" if search.web else "",
        conversation=session,
    )
    for path in _extras(root.object(), session):
        ignored.note(path)
    return Request(
        turn=turn,
        stream=root["stream"].flag(),
        usage=_wants_usage(root["stream_options"]),
        older=offered.older,
        ignored=ignored.names(),
    )


def _refuse(root: Node) -> None:
    if _REFUSALS.keys().isdisjoint(root.object()):
        return
    asked = {
        "n": (root["n"].integer(least=1) or 1) > 1,
        "logprobs": root["logprobs"].flag(),
        "top_logprobs": bool(root["top_logprobs"].integer()),
        "audio": not root["audio"].missing,
        "modalities": any(mode.text() == "audio" for mode in root["modalities"].each()),
    }
    for field, wanted in asked.items():
        if wanted:
            raise Unsupported(_REFUSALS[field], field=field)


def _session(root: Node, headers: Mapping[str, str]) -> str:
    """What tells conversations apart, from the most telling to the least."""
    named = [headers.get(name, "") for name in _SESSION_HEADERS]
    fields = [root[name].text("") for name in _SESSION_FIELDS]
    for said in (*named, *fields):
        if said:
            return said
    return ""


def _output(form: Node) -> JsonOutput | None:
    if form.missing:
        return None
    match form["type"].one_of(("text", "json_object", "json_schema")):
        case "json_schema":
            return _schema_output(form["json_schema"])
        case "json_object":
            return JsonOutput(path=form.path)
        case _:
            return None


def _schema_output(node: Node) -> JsonOutput:
    wanted = node["schema"]
    return JsonOutput(
        schema=None if wanted.missing else wanted.encodable(),
        name=node["name"].text(""),
        strict=node["strict"].flag(),
        path=wanted.path,
    )


def _limits(root: Node) -> Limits:
    newer, older = (
        root["max_completion_tokens"].integer(least=1),
        root["max_tokens"].integer(least=1),
    )
    stop = root["stop"]
    stops = [stop.text()] if stop.is_text() else [each.text() for each in stop.each()]
    return Limits(newer or older, tuple([each for each in stops if each]))


def _effort(node: Node) -> Effort:
    return "" if node.missing else node.one_of(EFFORTS)


def _search(options: Node, ignored: Ignored, offered: Offer) -> Search:
    """The mere presence of its options asks for a web search; none of them has a meaning here."""
    if options.missing:
        return Search(web=True) if offered.searching else Search()
    ignored.extras(options, (), within=options.path)
    return Search(web=True)


def _wants_usage(options: Node) -> bool:
    return not options.missing and options["include_usage"].flag()


def _extras(body: Mapping[str, Any], session: str) -> Iterator[str]:
    """Names of the fields that change nothing. `store` false asks for nothing."""
    for name, value in body.items():
        used = name in _UNDERSTOOD or (name in _SESSION_FIELDS and value == session)
        idle = value is None or value in ("", [], {}) or (name == "store" and value is False)
        if not (used or idle):
            yield safe(name)
