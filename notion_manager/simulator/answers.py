"""What the simulated model says: plainly simulated, about what was asked, worth reading."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from .asks import Ask
from .catalogue import SimModel
from .document import document
from .scenarios import Scenario, listing, strip

NOTICE = "This answer is simulated by notion-manager's local simulator; no model was asked."
QUOTED = 200
CAPITALS = {
    "france": "Paris",
    "spain": "Madrid",
    "germany": "Berlin",
    "italy": "Rome",
    "portugal": "Lisbon",
    "japan": "Tokyo",
    "canada": "Ottawa",
    "australia": "Canberra",
    "brazil": "Brasília",
    "india": "New Delhi",
    "china": "Beijing (北京)",
    "greece": "Athens (Αθήνα)",
}
MOST = 500
VOCABULARY = (
    "the", "river", "bends", "around", "a", "small", "town", "where", "every", "bridge", "has",
    "its", "own", "story", "and", "people", "cross", "it", "twice", "a", "day", "without",
    "counting", "naïve", "façades", "lean", "over", "water", "東京", "и", "Москва", "🌉",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What reached the model, as far as the answer is concerned."""

    ask: Ask
    model: SimModel

    @property
    def question(self) -> str:
        return _asked(strip(self.ask.newest).strip())

    @property
    def first(self) -> str:
        """The first thing that the user said, instructions left out."""
        return _asked(self._opening)

    @property
    def instructed(self) -> bool:
        return _is_instructed(self._opening)

    @property
    def _opening(self) -> str:
        return next(strip(said.text).strip() for said in self.ask.said if said.user)


def _is_instructed(text: str) -> bool:
    """Whether the text is headed by a line that speaks of instructions."""
    head, _, rest = text.partition("\n")
    words = set(re.findall(r"[a-z]+", head.lower()))
    return bool(rest.strip() and words & {"system", "instructions", "instruction"})


def _asked(text: str) -> str:
    """What stands behind the instructions: under a heading of its own, or the last paragraph."""
    if not _is_instructed(text):
        return text
    parts = re.split(r"(?mi)^#+ *(?:conversation|question|user|message)\b.*\n", text)
    return parts[-1].strip() if len(parts) > 1 else text.rsplit("\n\n", 1)[-1]


def answer(seen: Seen, scenario: Scenario, rng: Random) -> str:
    """The text of the answer, before the service adds its markup."""
    if "list" in scenario:
        return f"{NOTICE}\n\n{listing()}"
    if "echo" in scenario:
        return scenario.get("echo") or strip(seen.ask.newest)
    if "long" in scenario:
        return " ".join(words(int(scenario.number("long", 300)), rng))
    if "blank" in scenario or seen.ask.brittle or seen.model.shelf == "no-workflow":
        return " \n " if scenario.get("blank") == "spaces" else ""
    if "markup" in scenario:
        return MARKUP
    written = document(seen.ask.newest, NOTICE)
    return written or f"{NOTICE}\n\n{_reply(seen)}\n\n{_account(seen)}"


MARKUP = (
    'Ask <mention-user url="user://1">Ada</mention-user> about '
    '<page url="https://www.notion.so/0000000000000000000000000000000a">the plan</page> '
    "of {{11111111-1111-4111-8111-111111111111}}."
)


def words(count: int, rng: Random) -> Sequence[str]:
    """That many words, numbered now and then so that a lost one is noticed."""
    return [
        f"[{n}]" if n % 25 == 0 else rng.choice(VOCABULARY) for n in range(1, min(count, 10**6) + 1)
    ]


def _reply(seen: Seen) -> str:
    question = seen.question.lower()
    for pattern, reply in TOPICS:
        if match := re.search(pattern, question):
            return reply(seen, match[1] if match.re.groups else "")
    return (
        "I know little: capitals, counting, greetings, and what you said first. Connect a real "
        "workspace with `notion-manager accounts add` for a real answer."
    )


def _capital(_seen: Seen, country: str) -> str:
    known = CAPITALS.get(country)
    name = country.capitalize()
    return (
        f"{known} is the capital of {name}." if known else f"I never learnt the capital of {name}."
    )


def _count(_seen: Seen, digits: str) -> str:
    top = int(digits[:9])
    numbers = ", ".join(str(n) for n in range(1, min(top, MOST) + 1))
    return f"{numbers}." if top <= MOST else f"{numbers} … and so on."


def _first(seen: Seen, _: str) -> str:
    return f"The first thing you said was: “{_cut(seen.first)}”"


def _greet(_seen: Seen, _: str) -> str:
    return "Hello! Ask me something, or write `[[sim:list]]` to see what I can be made to do."


def _welcome(_seen: Seen, _: str) -> str:
    return "You are welcome. Nothing was spent: no workspace was asked."


def _introduce(_seen: Seen, _: str) -> str:
    return "I am a small program on your own machine that speaks like Notion AI on the wire."


TOPICS: tuple[tuple[str, Callable[[Seen, str], str]], ...] = (
    (r"capital of ([a-z]+)", _capital),
    (r"\bfirst\b.*\b(?:say|said|ask|asked|tell|told|message)\b|\b(?:say|said) first\b", _first),
    (r"count (?:up )?to (\d+)", _count),
    (r"^(?:hi|hello|hey|good (?:morning|day|evening)|salut|hallo)\b", _greet),
    (r"\b(?:thanks|thank you|merci)\b", _welcome),
    (r"\b(?:who|what) are you\b|\byour name\b", _introduce),
)


def _account(seen: Seen) -> str:
    ask, wish = seen.ask, seen.ask.wish
    earlier = sum(said.user for said in ask.said) - 1
    switch = {True: "on", False: "off"}
    facts = [
        f"model {seen.model.label} ({seen.model.name})",
        f"effort {wish.effort or 'default'}",
        f"ask mode {switch[wish.read_only]}",
        f"web search {switch[wish.web]}",
        f"workspace search {switch[wish.workspace]}",
        f"{earlier} earlier {'turn' if earlier == 1 else 'turns'}",
        "instructions seen" if seen.instructed else "no instructions",
    ]
    if ask.attachments:
        facts.append(f"attached {', '.join(ask.attachments)}")
    return f"What reached me: {', '.join(facts)}. You wrote: “{_cut(seen.question)}”"


def _cut(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED].rstrip()}…"


def title(seen: Seen) -> str:
    """What the service would call the conversation."""
    return " ".join(seen.question.split()[:6]).rstrip("?.!") or "New chat"
