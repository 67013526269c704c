"""The client protocols by the names that the command line gives them."""

import click
import orjson

from ..translators import TRANSLATORS, Translator
from ..translators.exchange import Exchange

PROTOCOLS = {translator.name: translator for translator in TRANSLATORS}
FIXED = Exchange(id="0" * 32, now=0)
"""So that pure commands say the same today and tomorrow."""

protocol = click.Choice(list(PROTOCOLS))


def question(api: str, text: str, *, model: str, stream: bool) -> bytes:
    """The body of a request that asks `text` in an API; "" leaves the model to the server."""
    said = [{"role": "user", "content": text}]
    bodies: dict[str, dict[str, object]] = {
        "messages": {"max_tokens": 32_000, "messages": said},
        "chat": {
            "messages": said,
            **({"stream_options": {"include_usage": True}} if stream else {}),
        },
        "responses": {"input": text},
    }
    named = {"model": model} if model else {}
    return orjson.dumps({**named, "stream": stream, **bodies[api]})


def exchange(api: str, body: bytes, facts: Exchange = FIXED) -> Translator:
    """Raises BadRequest."""
    return PROTOCOLS[api](body, facts)
