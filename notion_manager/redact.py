"""Text made fit to be seen: no credential in it, and no character that forges a line."""

import re
from collections.abc import Iterable

from .secret import Secret

MASK = "…"
SHORTEST = 8  # characters: below this a known secret is too likely to be an ordinary word

_PATTERNS = (
    # a Cookie or Set-Cookie header, to the end of its line
    (r"(?i)\b((?:set-)?cookie[\"']?\s*[:=]\s*)\S[^\r\n]*", rf"\1{MASK}"),
    # a session token, URL-encoded or not, even twice
    (r"(?i)\bv0\d(?:%(?:25)*3a|:)\S+", MASK),
    (r"(?i)\b(token_v2[\"']?\s*[:=]\s*)\S+", rf"\1{MASK}"),
    # keys of ours, and whatever is sent in the place of a key
    (r"\bnm-[A-Za-z0-9_-]{8,}", f"nm-{MASK}"),
    (r"(?i)\b(bearer\s+)\S+", rf"\1{MASK}"),
    (r"(?i)\b(basic\s+)[A-Za-z0-9+/=]{8,}", rf"\1{MASK}"),
    (r"(?i)\b(x-api-key[\"']?\s*[:=]\s*)\S+", rf"\1{MASK}"),
    # the user name and password of a URL
    (r"://[^/\s@]+@", f"://{MASK}@"),
)

# What every pattern has some of: most text has none, and is left alone at once.
_HINTS = ("cookie", "v0", "token_v2", "nm-", "bearer", "basic", "x-api-key", "://")

# Line ends and terminal commands of every kind, marks that turn text round, halves of surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)

_JOINERS = "\u200c\u200d"


def redactor(known: Iterable[Secret] = ()) -> "Redactor":
    """Masks what looks like a credential, and these in particular."""
    spelled = sorted({s.reveal() for s in known if len(s.reveal()) >= SHORTEST}, key=len)
    return Redactor(spelled[::-1], [(re.compile(pattern), to) for pattern, to in _PATTERNS])


class Redactor:
    """A second line of defence: nothing secret should reach it. Its repr shows nothing it knows."""

    def __init__(self, known: list[str], masks: list[tuple[re.Pattern[str], str]]) -> None:
        self._known = known
        self._masks = masks

    def __call__(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, MASK)
        if not text.isascii():  # the patterns know letters that only look like those of the hints
            return self._masked(text)
        folded = text.lower()
        for hint in _HINTS:
            if hint in folded:
                return self._masked(text)
        return text

    def _masked(self, text: str) -> str:
        for pattern, mask in self._masks:
            text = pattern.sub(mask, text)
        return text


def lined(text: str) -> str:
    """On one line, without what is not seen, but for the joiners that some scripts need."""
    seen = (c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join("".join(seen).split())


def visible(text: str, keep: str = "") -> str:
    """The text on one line, with unsafe characters spelled as escapes, but for those to `keep`."""

    def escaped(match: re.Match[str]) -> str:
        code = ord(match.group())
        if match.group() in keep:
            return match.group()
        return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - one byte

    return _UNSAFE.sub(escaped, text)
