"""What a turn consists of before anybody writes it down: rounds of thinking, text and tools."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from .agent import work
from .answers import NOTICE, Seen, answer
from .scenarios import Scenario
from .shapes import Json

NEWS, WIKI = "https://news.example.test/bridge", "https://wiki.example.test/Bridge"
PLANS = "0a1b2c3d-0000-4000-8000-00000000000f"
MEGABYTE = 1 << 20
THOUGHT = "The question is simple. I should say plainly that I am simulated, then answer it."


@dataclass(frozen=True, slots=True)
class Think:
    """Reasoning. Without text it is only signed."""

    text: str
    signed: bool = True


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """One of the service's own tools: what was asked, and how its result step grows.

    Without `done` the step waits for a confirmation that never comes.
    """

    id: str
    name: str
    input: Json
    pending: Json = field(default_factory=dict[str, object])
    done: Json = field(default_factory=dict[str, object])
    extra: Json = field(default_factory=dict[str, object])
    found: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """One inference step, and the tool that it calls."""

    entries: Sequence[Think | Say]
    tool: Tool | None = None


def plan(seen: Seen, scenario: Scenario, rng: Random) -> Sequence[Round]:
    """The rounds of a turn; the last one holds the answer."""
    thoughts = _thoughts(seen, scenario)
    call = f"toolu_{rng.getrandbits(64):016x}"
    if "search" in scenario or _wants_search(seen):
        tool = _search(call, seen, scenario, rng)
        text = _cited(call, scenario.get("search"))
        text = text if "search" in scenario else f"{NOTICE}\n\n{text}"
        first = (*thoughts, Say(scenario.get("preamble", "Let me look that up.")))
        return Round(first, tool), Round((Say(text),))
    text = work(seen.ask.said, rng, seen.ask.attachments) or answer(seen, scenario, rng)
    if "thinking-tags" in scenario:
        end = "\n" if scenario.get("thinking-tags") == "open" else "</thinking>"
        text = f"<thinking>I should say hello.{end}{text}"
    if "pending-tool" in scenario:
        edit = Tool(call, "update-page", {"pageId": "p", "content": "…"}, {"needs": "confirmation"})
        return (Round((*thoughts, Say(text)), edit),)
    if "preamble" in scenario or "huge" in scenario:
        opening = Say(scenario.get("preamble", "Let me read the page first."))
        return Round((*thoughts, opening), _view(call, scenario)), Round((Say(text),))
    return (Round((*thoughts, Say(text))),)


def _thoughts(seen: Seen, scenario: Scenario) -> tuple[Think, ...]:
    if "thinking" in scenario:
        return (Think(scenario.get("thinking", THOUGHT)),)
    if "thinking-signature" in scenario:
        return (Think(""),)
    hard = seen.ask.wish.effort in {"high", "xhigh", "max"}
    return (Think(THOUGHT),) if hard and seen.model.family == "anthropic" else ()


def _wants_search(seen: Seen) -> bool:
    return seen.ask.wish.web and "search the web" in seen.question.lower()


def _view(call: str, scenario: Scenario) -> Tool:
    size = int(scenario.number("huge", 2) * MEGABYTE) if "huge" in scenario else 60
    return Tool(
        call, "view", {"id": "page"}, done={"output": "All work and no play. " * (size // 22)}
    )


def _search(call: str, seen: Seen, scenario: Scenario, rng: Random) -> Tool:
    question = seen.question
    found = [
        _found(NEWS, "Bridge opens", "The bridge opened on 3 May."),
        _found(WIKI, "Example bridge", "A bridge over the Example river. 橋"),
    ]
    if seen.ask.wish.workspace:
        id = rng.choice([PLANS, f"page://{PLANS}"])
        found.append({"id": id, "type": "page", "title": "Bridge plans", "snippet": "Secret."})
    style = scenario.get("tool-style") or rng.choice(["new", "old"])
    place = scenario.get("results") or ("output" if style == "new" else "structured")
    done, extra = _results(found, place)
    short = question[:80] or "Example bridge opening date"
    pending = {"cycleQueries": [short]}
    titles = [{"id": f["id"], "title": f["title"]} for f in found]
    if style == "old":
        asked: Json = {"web": {"queries": [short]}}
        return Tool(call, "search", asked, pending, done, extra, titles)
    args = {"queries": [{"question": question, "keywords": short}], "includeWebResults": True}
    asked = {"function": "connections.search.search", "args": args}
    pending = {"headerLabel": [["Searching"]], **pending}
    return Tool(call, "callFunction", asked, pending, done, extra, titles)


def _found(url: str, title: str, snippet: str) -> Json:
    id = f"webpage://?url={quote(url, safe='')}"
    return {"id": id, "type": "webpage", "title": title, "snippet": snippet, "url": url}


def _results(found: Sequence[Json], place: str) -> tuple[Json, Json]:
    """What the tool step's `result` gains, and what stands beside it."""
    match place:
        case "structured":
            return {"structuredContent": {"results": found}}, {}
        case "extracted":
            return {"extractedResults": found}, {}
        case "web":
            rows = [{"id": f["id"], "title": f["title"], "text": f["snippet"]} for f in found]
            return {"summary": "2 results"}, {"additionalResultForRender": {"webResults": [rows]}}
        case _:
            return {"output": json.dumps({"results": found}, ensure_ascii=False)}, {}


def _cited(call: str, form: str) -> str:
    marks = {
        "url": (f"[^{NEWS}]", f"[^{WIKI}]"),
        "call": (f"[^{call}]", f"[^{call}]"),
        "index": (f"[^2{call}]", f"[^1{call}]"),
        "braces": (f"[^{{{{{NEWS}}}}}]", f"[^{{{{{WIKI}}}}}]"),
        "compressed": ("[^{{c7}}]", "[^{{c9}}]"),
        "object": ("[^view://0a1b]", "[^thread://0a1b][^page://0a1b][^block://0a1b]"),
        "glued": (f"[^{NEWS}view://0a1b]", f"[^{WIKI}]"),
        "artifact": ("[^step-0a1b2c,artifact,1]", "[^step-0a1b2c,artifact,2]"),
        "unfinished": (f"[^{NEWS}]", f"[^{WIKI[:20]}"),
        "plain": (f"[{NEWS}]", f"(see {WIKI})"),
        "page": (f"[^page://{PLANS}]", f"[^3{call}]"),
        "none": ("", ""),
        "all": (f"[^{NEWS}][^{{{{{WIKI}}}}}][^{{{{c7}}}}]", f"[^{call}][^2{call}][^view://0a1b]"),
    }
    first, second = marks.get(form, (f"[^{NEWS}]", f"[^1{call}]"))
    return f"The bridge opened on 3 May.{first} It spans the Example river.{second}"
