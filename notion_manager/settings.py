"""One setting: how it is written, read and checked. Knows no setting by its name."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal, TypeVar, cast, get_args, get_origin
from urllib.parse import SplitResult, urlsplit

import tomli

T = TypeVar("T")
E = TypeVar("E")
_EXACT = 1e15  # below it every whole float is written without an exponent
_LONGEST = 40  # characters of a value that a message repeats
META = "setting"  # where a dataclass field keeps its Setting


class Unfit(ValueError):
    """A value that cannot be taken: what is wrong with it, and what to write instead."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


Check = Callable[[Any], None]  # raises Unfit, or a group of them where several entries are
Tidy = Callable[[Any], Any]


def anything(value: Any) -> None:
    pass


def as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field's type cannot say. `private` values may hold a password.

    `tidy` makes the one spelling that is kept of several that mean the same, before the check.
    """

    why: str
    check: Check = anything
    private: bool = False
    tidy: Tidy = as_it_is


def setting(
    default: T,
    why: str,
    check: Check = anything,
    *,
    private: bool = False,
    tidy: Tidy = as_it_is,
) -> T:
    """A dataclass field that is a setting; `why` is one line for the person who may change it."""
    meta = {META: Setting(why, check, private, tidy)}
    return field(default=default, repr=not private, metadata=meta)


# Checks


def between(least: float, most: float, unit: str = "") -> Check:
    """A number within bounds, both allowed; `nan` is in none."""

    def check(value: float) -> None:
        if not least <= value <= most:
            span = f"{_figure(least)} to {_figure(most)} {unit}".rstrip()
            raise Unfit(f"{_figure(value)} is out of range", f"write a number from {span}")

    return check


def _figure(value: float) -> str:
    """As a person writes it: 80000000 and not 8e+07; what is longer than any is cut."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    text = str(int(value) if whole else value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def filled(value: str) -> None:
    if not value.strip() or not value.isprintable():
        raise Unfit(
            "it is blank or contains control characters", "write a name, or leave the key out"
        )


def host(value: str) -> None:
    """A bare host name or address, without scheme, port or brackets."""
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", value) or (":" in value and not _address(value)):
        raise Unfit(
            "it is not a host name or address",
            "write it bare, such as 127.0.0.1, ::1 or box.example.org",
        )


def bare(value: str) -> str:
    """A host as it is called; an IPv6 address may come in the brackets that URLs put round it."""
    inner = value[1:-1]
    return inner if value == f"[{inner}]" and ":" in inner else value


def hosts(values: Sequence[str]) -> None:
    _each(enumerate(values, 1), host)


def bare_hosts(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(bare, values))


def origins(values: Sequence[str]) -> None:
    """What browsers send as `Origin`: scheme, host and perhaps port."""
    _each(enumerate(values, 1), site)


def site(value: str) -> None:
    """An http or https URL with a host and nothing after it."""
    url = _url(value)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise Unfit("it is not an http or https address", "write it as https://www.example.org")
    if "@" in url.netloc:
        raise Unfit("it contains a user name or password", "remove what comes before the @")
    if url.path or url.query or url.fragment or value.endswith(("?", "#")):
        raise Unfit("it has more after the host", f"write {url.scheme}://{url.netloc}")


def proxy(value: str) -> None:
    """Empty, or the URL of an HTTP proxy, perhaps with a user name and password."""
    if not value:
        return
    url = _url(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/"):
        raise Unfit(
            "it is not the address of an HTTP proxy",
            "write it as http://proxy.example.org:3128; for SOCKS, put an HTTP proxy in front",
        )


def version(value: str) -> None:
    if not re.fullmatch(r"[0-9A-Za-z._-]+", value):
        raise Unfit("it is not a version", "write it as 23.13.20261006.0243, or leave the key out")


def names(value: Mapping[str, str]) -> None:
    known = {name.casefold() for name in value}

    def check(entry: str) -> None:
        meaning = value[entry]
        filled(entry)
        filled(meaning)
        if meaning.casefold() in known:
            raise Unfit(
                f"{spell(meaning)} is itself an alias", "write the model that it stands for"
            )

    _each([(spell(name), name) for name in value], check)


def _each(entries: Iterable[tuple[object, E]], read: Callable[[E], T]) -> list[T]:
    """What `read` makes of each entry. Raises a group of all that it refuses, each by its name."""
    made: list[T] = []
    refused: list[Unfit] = []
    for name, value in entries:
        try:
            made.append(read(value))
        except Unfit as unfit:
            refused.append(Unfit(f"entry {name}: {unfit.reason}", unfit.remedy))
    if refused:
        raise ExceptionGroup("entries", refused)
    return made


def loopback(name: str) -> bool:
    """Whether only this machine can reach it."""
    address = _address(name)
    return address.is_loopback if address else name.lower() == "localhost"


def scheme_and_host(url: str) -> tuple[str, str]:
    parts = _url(url)
    return parts.scheme, parts.hostname or ""


def masked(value: str) -> str:
    """A URL without the user name and password in it."""
    return re.sub(r"//.*@", "//…@", value)


def _address(name: str) -> Any:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _url(value: str) -> SplitResult:
    """Raises Unfit for what no URL can be; its reason never repeats the value."""
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        raise Unfit("it is not a valid URL", "write it as https://www.example.org") from None
    if not value.isprintable() or " " in value:
        raise Unfit("it contains spaces or control characters", "write it without them")
    return url


# Kinds


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one type are read; both readers raise Unfit, or a group of them.

    `take` reads a TOML value. `parse` makes one from the text of an environment variable or a flag.
    """

    name: str
    take: Callable[[object], Any]
    parse: Callable[[str], object]


def kind_of(type_: Any) -> Kind:
    """The kind for a field's declared type."""
    if get_origin(type_) is Literal:
        return _choice(get_args(type_))
    return KINDS[type_]


def spell(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple():
            return f"[{', '.join(spell(v) for v in cast('tuple[object, ...]', value))}]"
        case Mapping():
            items = cast("Mapping[str, object]", value).items()
            inner = ", ".join(f"{spell(k)} = {spell(v)}" for k, v in items)
            return f"{{ {inner} }}" if inner else "{}"
        case _:
            return str(value)


def _unlike(value: object, name: str, remedy: str) -> Unfit:
    given = _GIVEN.get(type(value), "a date or time")
    return Unfit(f"expected {name}, got {given}", remedy)


def _plain(type_: type, name: str, remedy: str) -> Callable[[object], Any]:
    def take(value: object) -> Any:
        if type(value) is not type_:  # so that true is no number
            raise _unlike(value, name, remedy)
        return value

    return take


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unlike(value, "a number", "write it as 10 or 2.5, without quotes")
    try:
        return float(value)
    except OverflowError:
        raise Unfit(f"{_figure(value)} is out of range", "write a smaller number") from None


def _list(value: object) -> tuple[str, ...]:
    remedy = 'write it as ["one", "two"]'
    if not isinstance(value, list):
        raise _unlike(value, "a list of strings", remedy)
    items = cast("list[object]", value)
    return tuple(_each(enumerate(items, 1), _string(remedy)))


def _table(value: object) -> dict[str, str]:
    remedy = 'write it as { name = "another" }'
    if not isinstance(value, dict):
        raise _unlike(value, "a table of strings", remedy)
    items = cast("dict[str, object]", value)
    texts = _each([(spell(name), item) for name, item in items.items()], _string(remedy))
    return dict(zip(items, texts, strict=True))


def _string(remedy: str) -> Callable[[object], str]:
    return _plain(str, "a string", remedy)


def _choice(choices: Sequence[str]) -> Kind:
    listed = ", ".join(choices)
    remedy = f"choose one of {listed}"

    def take(value: object) -> str:
        if not isinstance(value, str):
            raise _unlike(value, "a string", remedy)
        if value not in choices:
            raise Unfit(f"{spell(value[:_LONGEST])} is not one of the choices", remedy)
        return value

    return Kind(f"one of {listed}", take, str)


def _parse_flag(text: str) -> bool:
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise Unfit("expected true or false", "write true or false") from None


def _parse_whole(text: str) -> object:
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text):
        raise Unfit("expected a whole number", "write it as 3000")
    return int(text)


def _parse_number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        raise Unfit("expected a number", "write it as 10 or 2.5") from None


def _parse_list(text: str) -> object:
    if text.lstrip().startswith("["):
        return _parse_toml(text, "a list of strings", 'write it as one,two or ["one", "two"]')
    return [item for part in text.split(",") if (item := part.strip())]


def _parse_table(text: str) -> object:
    if text.lstrip().startswith("{"):
        remedy = 'write it as name=another,second=other or { name = "another" }'
        return _parse_toml(text, "a table of strings", remedy)
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    _each(enumerate(pairs, 1), _paired)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _paired(pair: tuple[str, str, str]) -> None:
    if not pair[1]:
        raise Unfit("expected a name and a value", "write it as name=another,second=other")


def _parse_toml(text: str, name: str, remedy: str) -> object:
    """As the file would have it."""
    try:
        return tomli.loads(f"value = {text.strip()}")["value"]
    except ValueError:
        raise Unfit(f"expected {name}", remedy) from None


_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

_GIVEN: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number with a fraction",
    str: "a string",
    list: "a list",
    dict: "a table",
}

KINDS: dict[Any, Kind] = {
    bool: Kind(
        "true or false", _plain(bool, "true or false", "write true or false, without quotes"),
        _parse_flag,
    ),
    int: Kind(
        "a whole number", _plain(int, "a whole number", "write it as 3000, without quotes"),
        _parse_whole,
    ),
    float: Kind("a number", _number, _parse_number),
    str: Kind("a string", _plain(str, "a string", 'write it in quotes: "…"'), str),
    tuple[str, ...]: Kind("a list of strings", _list, _parse_list),
    Mapping[str, str]: Kind("a table of strings", _table, _parse_table),
}  # fmt: skip
