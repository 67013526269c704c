"""The keys that clients show. Only their hashes are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

ENVIRONMENT = "environment"
"""The name of the key that a process is given as `NOTION_MANAGER_API_KEY`."""


@dataclass(frozen=True, slots=True)
class Key:
    """`hash` is what `digest` gives; `created_at` is Unix seconds.

    One of an `admin` opens the pages about the accounts, and nothing else.
    """

    name: str
    hash: str = field(repr=False)
    created_at: int
    admin: bool = False


def digest(text: str) -> str:
    """What is kept of a key. Keys are 256 random bits, so one plain SHA-256 is enough.

    Whatever bytes a header held, as aiohttp decodes them, have a digest.
    """
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def match(keys: Iterable[Key], presented: str) -> str | None:
    """The name of the key presented. Takes as long whether and wherever it matches."""
    shown = digest(presented)
    found = None
    for key in keys:
        if compare_digest(key.hash, shown):
            found = key.name
    return found
