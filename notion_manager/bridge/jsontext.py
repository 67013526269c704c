"""JSON text as models write it: read strictly, or with their slips forgiven."""

import json
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any, NoReturn, cast

import orjson

DEEPEST = 100
LONG = 400  # characters of a text
SHORT = 300  # characters, within which a mended text is easily compared with what was written
_FENCE = re.compile(r"(`{3,}|~{3,})[^\n`]*\n")
_NOTABLE = re.compile(r'["\\{}\[\]]')
_SPELLED = {None: ("null", "None"), True: ("true", "True"), False: ("false", "False")}
_TOKEN = re.compile(r"""\"(?:[^"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|[^\s"'{}\[\]:,]++""", re.DOTALL)


class NotJson(ValueError):
    """No JSON value, or one that no client could read."""


def loads(text: str, *, strict: bool = True) -> Any:
    """Raises NotJson, for what is too deep or out of all bounds too."""
    try:
        value = (_STRICTLY if strict else _LOOSELY)(text)
    except (ValueError, RecursionError) as exc:
        raise NotJson(str(exc)) from None
    if depth(value) > DEEPEST:
        raise NotJson("nested too deeply")
    return value


def dumps(value: Any) -> str:
    """Compact, and with every number as exact as it came. Half a surrogate pair becomes U+FFFD."""
    text = _encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def escaped(text: str) -> str:
    """The inside of a JSON string. Each encoder is the faster one at its own lengths."""
    if len(text) > LONG:
        try:
            return orjson.dumps(text)[1:-1].decode()
        except TypeError:  # half a surrogate pair
            pass
    return encode_basestring(text)[1:-1]


def unfenced(text: str) -> str:
    """Without blanks around it, and without one Markdown fence."""
    text = text.strip().removeprefix("\ufeff").strip()
    fence = _FENCE.match(text)
    if fence is None or not text.endswith(fence[1], fence.end()):
        return text
    return text[fence.end() : -len(fence[1])].strip()


def readings(text: str, *, free_text: bool) -> Iterator[Any]:
    """What a text may mean: what it says, or where it is no JSON, what it says once mended.

    Where its strings may be `free_text`, only a short text without escapes is mended: what a repair
    makes of quotes and backslashes in code is wrong more often than not.
    """
    found = list(exact(text))
    yield from found
    text = unfenced(text)
    if found or not _is_closed(text) or (free_text and (len(text) > SHORT or "\\" in text)):
        return
    yield from _mended(text)


def _is_closed(text: str) -> bool:
    """Whether it is one list or object from end to end: what broke off is not mended."""
    ends = text[:1] + text[-1:] in ("[]", "{}")
    return ends and Balance().feed(text) == len(text)


class Balance:
    """Where a JSON value ends that begins with a bracket. Fed piece by piece."""

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, text: str, at: int = 0) -> int | None:
        """The end of the value, if it lies in this piece."""
        if self._escaped and at < len(text):
            self._escaped = False
            at += 1
        while mark := _NOTABLE.search(text, at):
            at = mark.end()
            match mark[0]:
                case '"':
                    self._quoted = not self._quoted
                case "\\":
                    if self._quoted:
                        self._escaped = at == len(text)
                        at += 1
                case "{" | "[":
                    self._depth += not self._quoted
                case _:
                    self._depth -= not self._quoted
                    if not self._depth and not self._quoted:
                        return at
        return None


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
    """A list or object of which nothing was made up, and nothing left out."""
    import fast_json_repair  # noqa: PLC0415 - few answers need it, and it takes memory

    try:
        value = fast_json_repair.loads(text)
    except (ValueError, RecursionError):
        return
    plain = isinstance(value, dict | list) and depth(value) <= DEEPEST
    if plain and value and _is_told(value, text):
        yield value


def _is_told(value: Any, text: str) -> bool:
    """Whether the text says this and no more: each word of it is the key or leaf in its place."""
    words = [found[0] for found in _TOKEN.finditer(text)]
    said = list(_in_order(value))
    return len(words) == len(said) and all(map(_says, words, said))


def _in_order(value: Any) -> Iterator[Any]:
    """The keys, each in a tuple, and all that is no list or object, as they would be written."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for key, inner in reversed(cast("dict[str, Any]", one).items()):
                waiting += (inner, (key,))
        elif isinstance(one, list):
            waiting += reversed(cast("list[Any]", one))
        else:
            yield one


def _says(word: str, one: Any) -> bool:
    """Whether a word spells this leaf, or this key, which may lack its quotes."""
    inside = word[1:-1] if word[0] in "\"'" else None
    match one:
        case (key,):
            return key == (word if inside is None else inside)
        case str():
            return one == inside
        case None | bool():
            return word in _SPELLED[one]
        case _:
            return one == _number(word)


def _number(word: str) -> float | None:
    try:
        return loads(word.removeprefix("+").removesuffix("."))
    except NotJson:
        return None


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


# Made once: `json.loads` and `json.dumps` make one for every value that they are told how to read.
_STRICTLY = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode
_LOOSELY = json.JSONDecoder(strict=False, parse_constant=_refuse, parse_float=_finite).decode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
