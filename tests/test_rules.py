"""docs/clients.md and the tests agree on what holds. Both are read as text."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "clients.md"
RULES = re.compile(r"^\| (\d+) \| [^|]+ \|$", re.MULTILINE)
TEST = re.compile(r"^[ \t]*(?:async )?def (test_\w+)", re.MULTILINE)
NUMBER = re.compile(r"(?<![a-z])rule_(\d+)")


def rules() -> list[int]:
    return [int(number) for number in RULES.findall(PAGE.read_text("utf-8"))]


def proven(source: str) -> set[int]:
    """The rules that the tests of a file name."""
    return {int(number) for name in TEST.findall(source) for number in NUMBER.findall(name)}


def named() -> dict[int, str]:
    """Every rule that a test names, with one file that has such a test."""
    files = sorted(TESTS.rglob("test_*.py"))
    return {number: file.name for file in files for number in proven(file.read_text("utf-8"))}


def test_numbers_are_read_from_the_names_of_tests_alone() -> None:
    source = "async def test_rule_12_rule_3_x() -> None:\n    rule_4()\n\ndef rule_5() -> None: ..."
    assert proven(source) == {12, 3}
    assert proven("def test_a_rule_without_a_number() -> None: ...") == set()


def test_the_page_has_every_rule_once_and_in_order() -> None:
    assert rules() == list(range(1, 63))


def test_every_rule_has_a_test() -> None:
    bare = sorted(set(rules()) - named().keys())
    assert not bare, f"docs/clients.md says that {bare} hold, and no test does"


def test_every_rule_that_a_test_names_is_on_the_page() -> None:
    unknown = {number: file for number, file in named().items() if number not in rules()}
    assert not unknown, f"tests name rules that docs/clients.md does not have: {unknown}"
