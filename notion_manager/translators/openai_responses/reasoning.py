"""Reasoning as an opaque string that a client keeps and sends back: ours to open again.

It is a convenience, not a secret: the text is only wrapped, so that it survives the trip with its
signature. What another provider sealed stays shut.
"""

from base64 import b64decode, b64encode
from typing import Any

import orjson

from ...turn import Thinking
from ...wire import dumps

_MARK = "nm1."


def seal(thinking: Thinking) -> str:
    """What goes out as `encrypted_content`."""
    wrapped = dumps({"text": thinking.text, "signature": thinking.signature})
    return _MARK + b64encode(wrapped).decode()


def unseal(sealed: str) -> Thinking | None:
    """The thinking that `seal` wrapped, or None where the string is not of our making."""
    if not sealed.startswith(_MARK):
        return None
    try:
        inside: Any = orjson.loads(b64decode(sealed.removeprefix(_MARK), validate=True))
    except ValueError:
        return None
    match inside:
        case {"text": str(text), "signature": str(signature)}:
            return Thinking(text, signature)
        case _:
            return None
