"""The words by which a caller chooses what goes wrong: `[[sim:NAME]]` or `[[sim:NAME=VALUE]]`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

WORD = re.compile(r"\[\[sim:([a-z0-9-]+)(?:=([^\]]*))?\]\]\s?")

PLACES = "line, line-late, start, append, patch, record-map"

HTTP = {
    "400": "ValidationError",
    "400-empty": "status 400 without a body",
    "401": "UnauthorizedError, token invalid or expired",
    "401-origin": "UnauthorizedError, must be authenticated",
    "403": "ForbiddenError",
    "403-ai": "a 403 whose body says aiNotEnabled",
    "404": "the HTML page of an endpoint that is gone",
    "429": "rate limited; =SECONDS adds Retry-After",
    "500": "UnknownApiError",
    "500-ai": "a 500 whose body says aiNotEnabled",
    "502": "a bad gateway, as HTML",
    "502-cell": "MemcachedCrossCellError",
    "503": "an empty 503",
    "challenge": "the HTML challenge of the edge, 403; =503 for that status",
    "html": "an HTML page with status 200",
    "redirect": "302 to =URL on another host",
    "empty": "status 200, zero bytes",
    "dies": "401 now, and the token is dead from now on",
}
SOCKET = {
    "reset": "the connection is reset before the first byte",
    "hang": "no answer at all until the client leaves",
}
ERRORS = {
    "trust-rule-denied": f"error step; =PLACE, one of {PLACES}",
    "temporarily-unavailable": "error step; =PLACE",
    "quota-exhausted": "error step; =PLACE",
    "ai-not-enabled": "error step; =PLACE",
    "model-unavailable": "error step that names the model; =PLACE",
    "error": "error without a sub-type; =PLACE",
    "exhausted": "premium-feature-unavailable; =PLACE",
}
ENDINGS = {
    "cut": "the stream ends cleanly in the middle of the answer; the turn goes on and is saved "
    "after =SECONDS (0.1), or is =lost",
    "truncate": "the stream ends in the middle of a line; the same",
    "reset-text": "the connection is reset in the middle of the answer; the same",
    "stall": "silence in the middle of the answer until the client leaves; the same, or =start for "
    "none at all",
    "linger": "after the last line the connection stays open",
    "handoff": "a queue-handoff line in the middle of the answer, then the end; as cut",
    "shutdown": "an inference-connection-lifecycle line in the middle, then the end; as cut",
}
ANSWERS = {
    "list": "answers with this list",
    "echo": "answers with exactly the text it was given, or with =TEXT",
    "work": "does what the JSON list that follows says, an element a message: a text, or a list of "
    'calls {"tool": …, "args": {…}}, or {"say": …, "calls": […]}',
    "clumsy": "makes mistakes in its calls: at a =RATE those that can be mended, or always =KIND",
    "clumsy-always": "the same again when it is corrected",
    "long": "answers with =N words",
    "blank": "a normal end without text; =spaces for white space only",
    "thinking": "reasons first; =TEXT is what it thinks",
    "thinking-signature": "a thinking entry without text, only signed",
    "thinking-tags": "an older model's <thinking> tags inside the text; =open without the last one",
    "search": "searches the web, and the workspace where it may; =FORM of citation: url, call, "
    "index, braces, compressed, object, glued, artifact, unfinished, plain, page, none or all",
    "preamble": "text, a tool, then the answer in a second inference step; =TEXT of the preamble",
    "markup": "workspace markup inside the answer: mentions, pages, users",
    "markdown-chat": "the legacy line type; =whole repeats the whole text in each line",
    "pending-tool": "ends with a tool step that waits for confirmation",
}
QUIRKS = {
    "think": "=SECONDS of silence before the first word, or before a failure that comes after the "
    "first lines",
    "inline": "the whole answer inside the append of its step",
    "no-inline": "never that",
    "rewrite": "the text shown is rewritten, and shorter, before it grows on",
    "previous-attempt": "a first attempt is withdrawn and the value starts again",
    "op-p": "the rare operation p, with half a lang tag",
    "op-r": "an entry is appended and removed again",
    "by-id": "paths that name the step by its id",
    "restart": "a second patch-start in mid-stream",
    "duplicate-final": "the final snapshot comes twice",
    "lost-patches": "some patches never arrive; patch-sync heals",
    "no-sync": "no patch-sync",
    "done": "a done line at the end",
    "huge": "a line of =MEGABYTES in the record map and in a tool result",
    "noise": "blank, unparsable, unknown and heartbeat lines; =sse frames them",
    "lang": "the language tag: =none, =split, =closing, =stray or =whole",
    "usage": "=none, =late, =append or =partial (only the output)",
    "title": "=TEXT of the title",
    "chunks": "how bytes are cut: =random, =line, =byte or =whole",
    "bare-end": "the last line has no line feed",
    "results": "where search results are: =output, =structured, =extracted or =web",
    "tool-style": "search as =new (callFunction) or =old (search)",
}
UPLOADS = {
    "ticket": "in an account's own scenario: no leave to upload, by =NAME of an HTTP answer",
    "enqueue": "in an account's own scenario: no file is read, by =NAME of an HTTP answer",
    "storage-403": "in an account's own scenario: the bucket refuses the first =N forms (1)",
    "storage": "in an account's own scenario: the bucket answers =STATUS, or =hang, or =reset",
    "task-502": "in an account's own scenario: the first =N looks at a file fail (1)",
    "processing": "in an account's own scenario: read after =N looks, never or csv-never",
    "unreadable": "in an account's own scenario: no file can be read",
    "chat-id": "in an account's own scenario: the first file makes a thread of another id",
}
THREADS = {
    "records-502": "in an account's own scenario: the first =N reads of records fail (1)",
}
COMBINATORS = {
    "fail": "the faults above happen only the first =N times (1) to this account",
    "fail-once": "the same, once",
    "fail-total": "the same, the first =N times to anybody",
    "sticky": "the faults of this message stay with the account",
    "everywhere": "in an account's own scenario: HTTP faults on every endpoint",
    "normal": "forget what the account or the simulator prescribe",
}
GROUPS: Mapping[str, Mapping[str, str]] = {
    "HTTP answers instead of a stream": HTTP,
    "the connection": SOCKET,
    "failures inside a stream": ERRORS,
    "how a stream ends": ENDINGS,
    "what is answered": ANSWERS,
    "how it is written": QUIRKS,
    "how files are taken": UPLOADS,
    "how threads are read": THREADS,
    "combinators": COMBINATORS,
}
FAULTS = frozenset({*HTTP, *SOCKET, *ERRORS, *ENDINGS, "blank"})
KNOWN = frozenset(name for group in GROUPS.values() for name in group)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Names and values. A value is "" where none was given."""

    words: Mapping[str, str] = field(default_factory=dict[str, str])

    def __contains__(self, name: str) -> bool:
        return name in self.words

    def get(self, name: str, default: str = "") -> str:
        return self.words.get(name) or default

    def number(self, name: str, default: float) -> float:
        try:
            return float(self.get(name))
        except ValueError:
            return default

    def first(self, names: Mapping[str, object]) -> str | None:
        return next((name for name in self.words if name in names), None)

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.words) & FAULTS))

    def over(self, below: "Scenario") -> "Scenario":
        """Both, where the words of this one win; with `normal` the one below is forgotten."""
        return self if "normal" in self else Scenario({**below.words, **self.words})

    def harmless(self) -> "Scenario":
        return Scenario({n: v for n, v in self.words.items() if n not in FAULTS})


def in_text(text: str) -> Scenario:
    """Words of a user's text. An unknown name counts, and does nothing."""
    return Scenario({match[1]: match[2] or "" for match in WORD.finditer(text)})


def strip(text: str) -> str:
    """The text without magic words, each with the one white space character behind it."""
    return WORD.sub("", text)


def from_words(words: str) -> Scenario:
    """`"429=3 fail=2"`: an account's or a simulator's own scenario. Raises ValueError on a typo."""
    parts = [word.partition("=") for word in words.split()]
    unknown = [name for name, _, _ in parts if name not in KNOWN]
    if unknown:
        raise ValueError(f"no such scenario: {', '.join(unknown)}")
    return Scenario({name: value for name, _, value in parts})


def listing() -> str:
    lines = ["Write `[[sim:NAME]]` or `[[sim:NAME=VALUE]]` in a message, several if you like."]
    for title, group in GROUPS.items():
        lines += ["", f"{title[0].upper()}{title[1:]}:"]
        lines += [f"- `{name}`: {what}" for name, what in group.items()]
    return "\n".join(lines)


@dataclass(slots=True)
class Memory:
    """What has been done to whom: counts for `fail`, and the faults that stuck."""

    hits: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    stuck: dict[str, Scenario] = field(default_factory=dict[str, Scenario])

    def settle(self, scenario: Scenario, who: str, source: str) -> Scenario:
        """Apply the combinators: counts this call. `source` tells one use of the words apart."""
        if "sticky" in scenario:
            self.stuck[who] = Scenario({n: scenario.words[n] for n in scenario.faults})
        for name, owner in (("fail-once", who), ("fail", who), ("fail-total", "*")):
            if name in scenario:
                return self._limited(scenario, (owner, source), int(scenario.number(name, 1)))
        return scenario

    def _limited(self, scenario: Scenario, key: tuple[str, str], limit: int) -> Scenario:
        self.hits[key] = self.hits.get(key, 0) + 1
        return scenario if self.hits[key] <= limit else scenario.harmless()
