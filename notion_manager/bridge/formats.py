"""Formats of strings, as far as they are checked: those that the vendors' own models keep to.

A time may lack its offset, since most who read one do not need it. What people write freely, such
as addresses of pages, passes as it is.
"""

from collections.abc import Callable
from datetime import datetime, time

_DATE = 10  # characters of a date, behind which a time follows
_UNCHECKED = (
    "uri", "uri-reference", "uri-template", "iri", "iri-reference", "regex", "json-pointer",
    "relative-json-pointer", "idn-email", "idn-hostname",
)  # fmt: skip


def _is_moment(text: str) -> bool:
    return len(text) > _DATE and _is_iso(datetime.fromisoformat, text.upper())


def _is_time(text: str) -> bool:
    return _is_iso(time.fromisoformat, text.upper())


def _is_iso(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _is_any(_text: str) -> bool:
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_moment,
    "time": _is_time,
    **dict.fromkeys(_UNCHECKED, _is_any),
}
"""In place of those that the library knows."""
