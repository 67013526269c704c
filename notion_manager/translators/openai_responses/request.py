"""A Responses body read into a `Turn`, and into what the answer has to repeat of it."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from ...errors import Unsupported
from ...fields import Node
from ...models import UNNAMED
from ...turn import EFFORTS, Effort, FreeformTool, JsonOutput, Limits, Message, Text, Turn
from ..exchange import Exchange
from ..ignored import Ignored
from ..searching import searched
from . import items
from .tools import Offer, offer

# Values that ask for nothing but what happens anyway.
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "context": ("auto",),  # of reasoning
    "background_options": ({},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "stream_options": ({}, {"include_obfuscation": False}),
    "temperature": (1,),
    "top_p": (1,),
    "truncation": ("disabled",),
    "verbosity": ("medium",),  # of text
}
_READ = frozenset(
    {
        "background",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "metadata",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "reasoning",
        "stream",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
    }
)
_STATEFUL = {
    "conversation": "conversations are not kept here; send the whole conversation as input",
    "prompt": "prompt templates are not kept here; send the prompt as input",
}
_REMEMBERING = frozenset({*_STATEFUL, "previous_response_id", "background"})
# By which header a client says which conversation this is, the narrowest first: Codex gives its
# sub-agents threads of their own within one session.
_AFFINITY = ("thread-id", "session-id", "x-session-affinity", "x-session-id")
_SEALED, _SOURCES = "reasoning.encrypted_content", "web_search_call.action.sources"
_INCLUDED = (_SEALED, _SOURCES)
_SUMMARIES = ("auto", "concise", "detailed")


class View(Struct, frozen=True):
    """How the client wants to see the answer's items.

    Reasoning comes as a summary, `sealed` as a string to send back, both or neither. `sources` says
    that searches name what they found; `shells` are the tools whose calls are items of their own.
    """

    summaries: bool = False
    sealed: bool = False
    sources: bool = False
    shells: frozenset[str] = frozenset()


class Request(Struct, frozen=True):
    """`echo` is what every response object repeats of the request, as one encoded JSON object."""

    turn: Turn
    stream: bool
    ignored: tuple[str, ...]
    view: View
    echo: bytes


def read(body: bytes, exchange: Exchange) -> Request:
    """Raises BadRequest, and Unsupported for what only a server with a memory could do."""
    root = Node.parse(body)
    _refuse_state(root)
    _refuse_logprobs(root)
    ignored = Ignored()
    given = root["input"]
    found = items.messages(given, exchange.recall, ignored)
    instructions = root["instructions"].text("")
    opening, rest = items.leading(found)
    system = "\n\n".join(text for text in (instructions, *opening) if text)
    offered = _offered(root, given, ignored)
    turn = Turn(
        model=root["model"].text(""),
        messages=_answerable(given, items.merged(rest), system),
        system=system,
        tools=offered.tools,
        tool_choice=offered.choice,
        output=_output(root["text"], ignored),
        limits=Limits(root["max_output_tokens"].integer(least=1)),
        effort=_effort(root["reasoning"], ignored),
        search=searched(offered.search, exchange.headers),
        citations="linked" if offered.search.web else "",
        conversation=_conversation(root, exchange.headers),
        path=given.path,
    )
    view = _view(root, offered, ignored)
    _note(root, _READ, ignored)
    return Request(
        turn=turn,
        stream=root["stream"].flag(),
        ignored=ignored.names(),
        view=view,
        echo=_encoded(_echo(root, turn)),
    )


def _refuse_state(root: Node) -> None:
    if _REMEMBERING.isdisjoint(root.object()):
        return
    previous = root["previous_response_id"]
    if not previous.missing:
        raise previous.fail("responses are not kept here; send the whole conversation as input")
    for name, why in _STATEFUL.items():
        if not root[name].missing:
            raise Unsupported(why, field=name)
    if root["background"].flag():
        raise Unsupported(
            "responses cannot run in the background; stream instead", field="background"
        )


def _refuse_logprobs(root: Node) -> None:
    why = "log probabilities are not available"
    if root["top_logprobs"].integer():
        raise Unsupported(why, field="top_logprobs")
    for entry in root["include"].each():
        if entry.text() == "message.output_text.logprobs":
            raise Unsupported(why, field=entry.path)


def _offered(root: Node, given: Node, ignored: Ignored) -> Offer:
    return offer(
        [*root["tools"].each(), *items.tools(given)],
        root["tool_choice"],
        parallel=root["parallel_tool_calls"].flag(default=True),
        ignored=ignored,
    )


def _answerable(given: Node, messages: tuple[Message, ...], system: str) -> tuple[Message, ...]:
    """Instructions alone are legal, and answered as if the user had then said nothing.

    Raises BadRequest where there is nothing at all to answer, and where the last word is the
    assistant's.
    """
    if not messages:
        if not system:
            raise given.fail("nothing to answer: send a user message")
        return (Message("user", (Text(""),)),)
    if messages[-1].role == "assistant":
        raise given.fail(
            "the last item is the assistant's, and a reply cannot be continued: "
            "end with a user message or with a tool's output"
        )
    return messages


def _output(text: Node, ignored: Ignored) -> JsonOutput | None:
    if text.missing:
        return None
    _note(text, {"format"}, ignored)
    form = text["format"]
    if form.missing:
        return None
    match form["type"].text():
        case "text":
            return None
        case "json_object":
            return JsonOutput(path=form.path)
        case "json_schema":
            wanted, strict = form["schema"], form["strict"].flag()
            return JsonOutput(wanted.encodable(), form["name"].text(""), strict, wanted.path)
        case kind:
            raise Unsupported(
                f"answers of type {kind[:64]!r} are not supported", field="text.format.type"
            )


def _effort(reasoning: Node, ignored: Ignored) -> Effort:
    if reasoning.missing:
        return ""
    _note(reasoning, {"effort", "summary", "generate_summary"}, ignored)
    effort = reasoning["effort"]
    return "" if effort.missing else effort.one_of(EFFORTS)


def _conversation(root: Node, headers: Mapping[str, str]) -> str:
    for name in _AFFINITY:
        if named := headers.get(name):
            return named
    return root["prompt_cache_key"].text("")


def _view(root: Node, offered: Offer, ignored: Ignored) -> View:
    included = set[str]()
    for entry in root["include"].each():
        if entry.text() in _INCLUDED:
            included.add(entry.text())
        else:
            ignored.note(entry.path)
    return View(
        summaries=_summary(root["reasoning"]) is not None,
        sealed=_SEALED in included,
        sources=_SOURCES in included,
        shells=offered.shells,
    )


def _summary(reasoning: Node) -> str | None:
    """Any wish for a summary is met with the reasoning as it is."""
    if reasoning.missing:
        return None
    wish = reasoning["summary"].value or reasoning["generate_summary"].value
    if wish is None:
        return None
    return wish if wish in _SUMMARIES else "auto"


def _note(node: Node, read: Collection[str], ignored: Ignored) -> None:
    """Note the members that nothing reads, unless they ask for what happens anyway."""
    said = node.object().items()
    known = {name for name, value in said if name in read or value in _HARMLESS.get(name, ())}
    ignored.extras(node, known, within=node.path)


def _echo(root: Node, turn: Turn) -> dict[str, Any]:
    """What OpenAI repeats; `store` and `truncation` tell what is, not what was asked."""
    return {
        "background": False,
        "instructions": root["instructions"].value,
        "max_output_tokens": turn.limits.max_tokens,
        "metadata": _metadata(root["metadata"]),
        "model": turn.model or UNNAMED,
        "parallel_tool_calls": turn.tool_choice.parallel,
        "previous_response_id": None,
        "reasoning": {"effort": turn.effort or None, "summary": _summary(root["reasoning"])},
        "store": False,
        "temperature": _number(root["temperature"]),
        "text": {"format": _format(turn.output)},
        "tool_choice": _choice(turn),
        "tools": [tool.value for tool in root["tools"].each()],
        "top_p": _number(root["top_p"]),
        "truncation": "disabled",
        "user": root["user"].text("") or None,
    }


def _metadata(node: Node) -> dict[str, str]:
    if node.missing:
        return {}
    return {key: node[key].text() for key in node.object()}


def _number(node: Node) -> float:
    if node.missing:
        return 1.0
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise node.expected("a number")
    return node.value


def _format(output: JsonOutput | None) -> dict[str, Any]:
    if output is None:
        return {"type": "text"}
    if output.schema is None:
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "name": output.name,
        "schema": output.schema,
        "strict": output.strict,
    }


def _choice(turn: Turn) -> Any:
    """The choice as it was understood."""
    name = turn.tool_choice.name
    if not name:
        return turn.tool_choice.mode
    freeform = any(isinstance(t, FreeformTool) and t.name == name for t in turn.tools)
    return {"type": "custom" if freeform else "function", "name": name}


def _encoded(echo: dict[str, Any]) -> bytes:
    return Node(echo, "tools, text or metadata").json().encode()
