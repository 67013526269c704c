"""Arguments in a form that models learned elsewhere, within a call of the right one."""

import re
from collections.abc import Sequence

_TAG = r"(?:antml:)?(?:arg|argument|param|parameter)(?:_\w{0,32}+)?+"
_OTHERS = r"""(?:\s++(?!value\b)[\w-]{1,32}+="[^"<>\r\n]{0,64}+"){0,4}+"""
_OPENS = re.compile(
    rf"""\s*+<{_TAG}(?:\s++name\s*+=\s*+|=)["']?+([^"'<>\r\n]{{1,128}}+)["']?+{_OTHERS}\s*+>""",
    re.IGNORECASE,
)
_CLOSES = re.compile(rf"</{_TAG}\s*+>", re.IGNORECASE)
LONGEST_BEGINNING = 16  # characters by which such a tag is known
_BEGUN = re.compile(r"<(?:antml:)?(?:arg|param)", re.IGNORECASE)


def may_begin(text: str) -> bool:
    """Whether the first characters are those of such an argument."""
    return _BEGUN.match(text) is not None


def read(text: str) -> Sequence[tuple[str, str]]:
    """Names and values; none where anything else is there, or where a value may have such ends."""
    found: dict[str, str] = {}
    at = 0
    while opening := _OPENS.match(text, at):
        end = _CLOSES.search(text, opening.end())
        if end is None or opening[1] in found:
            return ()
        found[opening[1]] = text[opening.end() : end.start()]
        at = end.end()
    return () if text[at:].strip() else tuple(found.items())
