"""A model that uses the tools it reads of, as the simulator plays it."""

import json
from random import Random
from typing import Any

import pytest
from simguest import Guest

from notion_manager.simulator.agent import FINISHED, MENDABLE, MISTAKES, work
from notion_manager.simulator.asks import Said
from notion_manager.simulator.scenarios import ANSWERS
from notion_manager.simulator.toolbook import read

PROMPT = """\
You help.

## Tools

Write a call in the form shown.

<do_ruby name="TOOL">
<with_ruby name="PARAMETER">value</with_ruby>
</do_ruby>

- Results arrive in the next message inside <got_ruby>
  tags; wait for them.

### Edit

Edits a file.

### Notes

Mind the `old_string {` of it.

Edit {
  path: string  // Where, as in "a: b"
  old_string: string
  count?: int  // How often; min 1
  "-n"?: bool
  mode?: "a" | "b c" | null
}

### List

List {}

### Any

Any json-schema {"type":"object"}

### Nothing

that has no parameters to be read
"""


def test_the_tools_of_a_prompt_are_read_from_its_words() -> None:
    book = read(PROMPT)
    assert book is not None
    assert (book.call, book.arg, book.result) == ("do_ruby", "with_ruby", "got_ruby")
    assert list(book.tools) == ["Edit", "List", "Any"]
    edit = book.tools["Edit"]
    assert {key: p.text for key, p in edit.items()} == {
        "path": True, "old_string": True, "count": False, "-n": False, "mode": True,
    }  # fmt: skip
    assert [key for key, p in edit.items() if not p.optional] == ["path", "old_string"]
    assert read("no tools here") is None
    cut = read(PROMPT.partition("  mode?")[0])
    assert cut is not None
    assert cut.tools == {}


def test_a_call_is_written_by_the_example() -> None:
    book = read(PROMPT)
    assert book is not None
    assert book.block("Edit", {"path": 'a "b"\n', "count": 3, "-n": True}) == (
        '<do_ruby name="Edit">\n<with_ruby name="path">a "b"\n</with_ruby>\n'
        '<with_ruby name="count">3</with_ruby>\n<with_ruby name="-n">true</with_ruby>\n</do_ruby>'
    )
    assert book.results("<got_ruby call='1'>\nx\n\ny\n</got_ruby>\n<got_ruby>\nz\n</got_ruby>") == [
        "x\n\ny",
        "z",
    ]


EDIT = {"tool": ["Write", "Edit"], "args": {"path": "a", "old_string": "{{result:1}}{{result:9}}"}}
STEPS: list[Any] = [
    {"say": "I look.", "calls": [{"tool": "List"}]},
    [EDIT],
    "Done.",
    [{"tool": "Sorcery"}],
]


def said(*texts: str, order: Any = STEPS, words: str = "") -> list[Said]:
    """A conversation: the order, then answers and what followed them in turn."""
    told = f"{PROMPT}\n{words}[[sim:work]] {json.dumps(order) if not isinstance(order, str) else order}"
    return [Said(True, told), *(Said(bool(n % 2), text) for n, text in enumerate(texts))]


def step(*texts: str, **more: Any) -> str | None:
    return work(said(*texts, **more), Random(1))  # noqa: S311 - no secret


def test_the_work_goes_on_with_each_answer() -> None:
    assert step() == 'I look.\n\n<do_ruby name="List">\n</do_ruby>'
    second = step("…", "<got_ruby>\nold\n</got_ruby>")
    assert second is not None
    assert '<with_ruby name="old_string">old</with_ruby>' in second
    assert step("…", "…", "…", "…") == "Done."
    assert step("…", "…", "…", "…", "…", "…") == "I have no tool called Sorcery."
    assert step(*["…"] * 8) == FINISHED


def test_without_an_order_there_is_no_work() -> None:
    assert work([Said(True, PROMPT)], Random(1)) is None  # noqa: S311
    assert work([Said(True, f"[[sim:work]] {json.dumps([[EDIT]])}")], Random(1)) == (  # noqa: S311
        "I have no tool called Write or Edit."
    )


@pytest.mark.parametrize(
    ("order", "text"), [("[oops", "I cannot read"), ('"hm"', "hm"), ('["a"] and more', "a")]
)
def test_an_order_may_be_followed_by_anything_but_must_be_json(order: str, text: str) -> None:
    assert (step(order=order) or "").startswith(text)


def test_a_correction_is_heeded() -> None:
    words, wrong = (
        "[[sim:clumsy=unknown-tool]]",
        "Your last message called a tool that is not there.",
    )
    first = step(words=words)
    assert first is not None
    assert "Sorcery" in first
    assert step("…", wrong, words=words) == 'I look.\n\n<do_ruby name="List">\n</do_ruby>'
    assert step("…", wrong, words=f"{words}[[sim:clumsy-always]]") == first
    assert step("a", wrong, order=["a", "b"]) == "b"


@pytest.mark.parametrize("kind", MISTAKES)
def test_every_kind_of_mistake_is_one(kind: str) -> None:
    calls = [{"tool": "Edit", "args": {"path": "a", "old_string": "old", "-n": True}}]
    right = step(order=[{"say": "So.", "calls": calls}])
    wrong = step(order=[{"say": "So.", "calls": calls}], words=f"[[sim:clumsy={kind}]]")
    assert wrong is not None
    assert wrong != right


def test_mistakes_come_at_a_rate() -> None:
    def clumsy(rate: str) -> int:
        told = said(order=[[{"tool": "List"}]], words=f"[[sim:clumsy={rate}]]")
        right = '<do_ruby name="List">\n</do_ruby>'
        rng = Random(7)  # noqa: S311
        return sum(work(told, rng) != right for _ in range(200))

    assert clumsy("0") == 0
    assert 20 < clumsy("0.4") < 120
    assert set(MISTAKES) - set(MENDABLE) == {"cut", "dropped-required"}
    assert {"work", "clumsy", "clumsy-always"} <= set(ANSWERS)


async def test_the_work_is_an_answer_like_any_other(guest: Guest) -> None:
    reading = await guest.ask(said()[0].text)
    assert reading.text == 'I look.\n\n<do_ruby name="List">\n</do_ruby>'
