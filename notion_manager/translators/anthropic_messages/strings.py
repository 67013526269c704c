"""Text that is fit for JSON, whatever came in."""

import re

from ...wire import dumps

_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Each surrogate becomes a replacement character: JSON in UTF-8 has no place for them."""
    return _SURROGATES.sub("\ufffd", text)


def quoted(text: str) -> bytes:
    """`text` as a JSON string."""
    try:
        return dumps(text)
    except TypeError:
        return dumps(clean(text))
