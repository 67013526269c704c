"""Text that is fit for JSON, whatever came in."""

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Each surrogate becomes a replacement character: JSON in UTF-8 has no place for them."""
    return _SURROGATES.sub("\ufffd", text)
