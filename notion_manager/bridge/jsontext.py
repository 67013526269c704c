"""JSON text as models write it: read strictly, or with their slips forgiven."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, cast

DEEPEST = 100
SHORT = 300  # characters, within which a mended text is easily compared with what was written
_FENCE = re.compile(r"(`{3,}|~{3,})[^\n`]*\n(.*?)\n?[ \t]*\1[ \t]*", re.DOTALL)


class NotJson(ValueError):
    """No JSON value, or one that no client could read."""


def loads(text: str, *, strict: bool = True) -> Any:
    """Raises NotJson, for what is too deep or out of all bounds too."""
    try:
        value = json.loads(text, strict=strict, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as exc:
        raise NotJson(str(exc)) from None
    if depth(value) > DEEPEST:
        raise NotJson("nested too deeply")
    return value


def dumps(value: Any) -> str:
    """Compact, and with every number as exact as it came. Half a surrogate pair becomes U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def unfenced(text: str) -> str:
    """Without blanks around it, and without one Markdown fence."""
    text = text.strip().removeprefix("\ufeff").strip()
    fenced = _FENCE.fullmatch(text)
    return fenced[2].strip() if fenced else text


def readings(text: str, *, free_text: bool) -> Iterator[Any]:
    """What a text may mean: what it says, or where it is no JSON, what it says once mended.

    Where its strings may be `free_text`, only a short text without escapes is mended: what a repair
    makes of quotes and backslashes in code is wrong more often than not.
    """
    found = list(exact(text))
    yield from found
    text = unfenced(text)
    if text and not found and not (free_text and (len(text) > SHORT or "\\" in text)):
        yield from _mended(text)


def exact(text: str) -> Iterator[Any]:
    """The one value that a text is, raw line ends in strings forgiven."""
    text = unfenced(text)
    for strict in (True, False):
        try:
            yield loads(text, strict=strict)
        except NotJson:
            continue
        return


def _mended(text: str) -> Iterator[Any]:
    """A list or object of which nothing was made up: every leaf stands in the text."""
    import fast_json_repair  # noqa: PLC0415 - few answers need it, and it takes memory

    try:
        value = fast_json_repair.loads(text)
    except (ValueError, RecursionError):
        return
    plain = isinstance(value, dict | list) and depth(value) <= DEEPEST
    if plain and value and all(_stands(leaf, text) for leaf in _leaves(value)):
        yield value


def _stands(leaf: Any, text: str) -> bool:
    match leaf:
        case str():
            return any(f"{quote}{leaf}{quote}" in text for quote in "\"'")
        case None:
            return "null" in text or "None" in text
        case bool():
            return str(leaf).lower() in text.lower()
        case _:
            return json.dumps(leaf) in text


def _leaves(value: Any) -> Iterator[Any]:
    """All that is no list or object. Keys may be without quotes, so they are left out."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += cast("dict[str, Any]", one).values()
        elif isinstance(one, list):
            waiting += cast("list[Any]", one)
        else:
            yield one


def depth(value: Any) -> int:
    """How many lists and objects lie within each other, up to one more than are allowed."""
    deepest = 0
    level: list[Any] = list(_inside([value]))
    while level and deepest <= DEEPEST:
        level = [inner for one in level for inner in _inside(one)]
        deepest += 1
    return deepest


def _inside(value: list[Any] | dict[str, Any]) -> Iterator[list[Any] | dict[str, Any]]:
    """The lists and objects right in it."""
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            yield cast("list[Any] | dict[str, Any]", one)


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotJson(f"{text} is too large")
    return value
