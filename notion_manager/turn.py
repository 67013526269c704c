"""The waist of the hourglass: what a client asks, and what a model says back.

Every translator decodes into a `Turn`; every upstream answers with `Event`s. They are Structs, as
all that a request makes: one is made in a tenth of the time that a frozen dataclass takes.
Nothing here knows HTTP, JSON text, SSE or Notion, and nothing here imports from us.

Three invariants hold for every stream of events: pieces of one part are contiguous; exactly one
`Done` comes, and it comes last; failure is an exception, never an event.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from itertools import chain
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace


class Source(Struct, frozen=True):
    """A page that was found. `title` is empty where nobody told it."""

    url: str
    title: str = ""

    @property
    def link(self) -> str:
        """As text shows it where it is `linked`."""
        return f"([{self.title or self.url}]({self.url.translate(_ROUND)}))"


_ROUND = {ord("("): "%28", ord(")"): "%29"}


class Text(Struct, frozen=True):
    """`cites` are what the part it arrives in rests on. Text that follows them is another part."""

    text: str
    cites: tuple[Source, ...] = ()


class Thinking(Struct, frozen=True):
    """Reasoning shown by the model. A signature ends the part it arrives in."""

    text: str
    signature: str = ""


APART = Thinking("")
"""Says no more than that what follows is another text: no block of data goes on behind it."""


class ToolCall(Struct, frozen=True):
    """A request to run a tool.

    `arguments` is JSON text, or raw text where `freeform`; in a stream it may be a fragment.
    """

    id: str
    name: str
    arguments: str
    namespace: str = ""
    freeform: bool = False


class Found(Struct, frozen=True):
    """A search that the upstream made by itself, and the pages it found."""

    queries: tuple[str, ...]
    sources: tuple[Source, ...]

    @property
    def listing(self) -> str:
        """What a model that reads of it is shown; empty where nothing was found."""
        lines = [f"- {': '.join(filter(None, (s.title, s.url)))}" for s in self.sources]
        return "\n".join(["Web pages found:", *lines]) if lines else ""


class File(Struct, frozen=True):
    """A file whose bytes came with the request. `path` is where in it they did."""

    media_type: str
    data: bytes
    name: str = ""
    path: str = ""

    def __repr__(self) -> str:
        return f"File({self.media_type!r}, {len(self.data)} bytes, {self.name!r})"


class FileLink(Struct, frozen=True):
    """A file that the client only points at. `path` is where in its request it does."""

    url: str
    media_type: str = ""
    name: str = ""
    path: str = ""


class ToolReference(Struct, frozen=True):
    """In a tool's result: the name of a deferred tool that may be used from now on."""

    name: str


class ToolResult(Struct, frozen=True):
    call_id: str
    parts: tuple["Text | File | FileLink | ToolReference", ...]
    failed: bool = False


Part = Text | Thinking | ToolCall | ToolResult | Found | File | FileLink
Piece = Text | Thinking | ToolCall | Found


class Message(Struct, frozen=True):
    """One entry of the conversation. A `system` message stands where the client put it."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


class Tool(Struct, frozen=True):
    """A tool that the client can run, with a JSON schema for its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]
    namespace: str = ""
    strict: bool = False
    deferred: bool = False


class FreeformTool(Struct, frozen=True):
    """A tool whose input is raw text, perhaps bound by a grammar ("lark" or "regex")."""

    name: str
    description: str
    syntax: str = ""
    grammar: str = ""
    namespace: str = ""


class ToolChoice(Struct, frozen=True):
    """`name` narrows "required" to one tool."""

    mode: Literal["auto", "required", "none"] = "auto"
    name: str = ""
    parallel: bool = True


class JsonOutput(Struct, frozen=True):
    """The answer must be JSON; `schema` None means any object. `path`: where its request has it."""

    schema: Mapping[str, Any] | None = None
    name: str = ""
    strict: bool = False
    path: str = ""


class Limits(Struct, frozen=True):
    """`max_tokens` is None where the client set none."""

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


class Search(Struct, frozen=True):
    """None leaves the choice to the configuration."""

    web: bool | None = None
    workspace: bool | None = None


Citations = Literal["", "inline", "typed", "linked", "none"]
"""How an answer names its sources.

`inline` puts numbers into the text and a list behind it; `typed` gives them as `Text.cites`, and
searches as `Found`; `linked` is that and a link in the text before each; `none` leaves them out.
"""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
Effort = Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Turn(Struct, frozen=True):
    """What a client asks. `model` is the name the client used until the gateway resolves it.

    `verbatim` is the tag of blocks in the answer that are data: they must come byte for byte.
    `citations` is empty until the gateway settles it. With a `bookmark` the conversation goes on
    where an upstream put it: that upstream has all messages up to the last answer among these, and
    reads no more than what follows. `path` is where its request has the messages.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[Tool | FreeformTool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    output: JsonOutput | None = None
    limits: Limits = Limits()
    effort: Effort = ""
    search: Search = Search()
    read_only: bool | None = None
    conversation: str = ""
    verbatim: str = ""
    citations: Citations = ""
    bookmark: str = ""
    path: str = "messages"


class Usage(Struct, frozen=True):
    """Tokens. `input` includes `cached` and `cache_written`; `output` includes `thinking`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    thinking: int = 0
    estimated: bool = False


class Stop(Enum):
    END = "end"
    LENGTH = "length"
    SEQUENCE = "sequence"
    TOOL = "tool"
    REFUSAL = "refusal"


class Done(Struct, frozen=True):
    """The last event of every reply, exactly once.

    `served` is the upstream's own name of the model that answered. `truth` is set only when what
    was streamed turned out to differ from what the upstream finally holds to be its answer; `fold`
    prefers it. `reasks` is how often the model had to be asked again. `bookmark` is where the
    upstream can go on with the conversation, in words of its own; empty where it cannot.
    """

    stop: Stop
    usage: Usage = Usage()
    sequence: str = ""
    served: str = ""
    truth: tuple[Piece, ...] | None = None
    reasks: int = 0
    bookmark: str = ""


Event = Piece | Done


class Reply(Struct, frozen=True):
    """A whole answer: what a stream adds up to."""

    parts: tuple[Piece, ...]
    done: Done


def said(piece: Piece) -> str:
    """The text of a piece, or the arguments of a call."""
    match piece:
        case ToolCall():
            return piece.arguments
        case Found():
            return ""
        case _:
            return piece.text


def continues(a: Piece, b: Piece) -> bool:
    """Whether `b` belongs to the same part as `a`."""
    match a:
        case Text():
            return isinstance(b, Text) and (not a.cites or bool(b.cites and not b.text))
        case Thinking():
            return isinstance(b, Thinking) and not a.signature
        case ToolCall():
            return isinstance(b, ToolCall) and a.id == b.id
        case Found():
            return False


def join(pieces: Sequence[Piece]) -> Piece:
    """The one piece that a run of pieces of the same part spells. The run is not empty."""
    first = pieces[0]
    if len(pieces) == 1 or isinstance(first, Found):
        return first
    match first:
        case Text():
            texts = [p for p in pieces if isinstance(p, Text)]
            cites = tuple(chain.from_iterable(p.cites for p in texts))
            return Text("".join(p.text for p in texts), cites)
        case Thinking():
            run = [p for p in pieces if isinstance(p, Thinking)]
            return Thinking("".join(p.text for p in run), run[-1].signature)
        case ToolCall():
            fragments = [p.arguments for p in pieces if isinstance(p, ToolCall)]
            return replace(first, arguments="".join(fragments))


def coalesce(events: Iterable[Event]) -> list[Event]:
    """The same events with neighbours of one part joined: fewer frames, the same meaning."""
    events = list(events)
    if len(events) < 2:  # noqa: PLR2004 - one has no neighbour; most batches are of one
        return events
    joined: list[Event] = []
    run: list[Piece] = []
    for event in events:
        if run and (isinstance(event, Done) or not continues(run[-1], event)):
            joined.append(join(run))
            run = []
        if isinstance(event, Done):
            joined.append(event)
        else:
            run.append(event)
    return [*joined, join(run)] if run else joined


def fold(events: Iterable[Event]) -> Reply:
    """Add a finished stream up into the reply it spells."""
    *pieces, done = coalesce(events)
    if not isinstance(done, Done):
        raise ValueError("the stream has no Done")  # noqa: TRY004 - the stream is wrong, not a type
    if done.truth is not None:
        return Reply(tuple(e for e in coalesce(done.truth) if not isinstance(e, Done)), done)
    return Reply(tuple(p for p in pieces if not isinstance(p, Done)), done)
