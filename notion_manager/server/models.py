"""GET /v1/models: what can be asked for, in the shape that the asker reads."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from ..gateway import Gateway
from ..models import Model, choose, listing
from .replies import as_json

PATIENCE = 2.0  # seconds: Claude Code gives the list three
ONE = "/v1/models/"  # and then its name
CREATED = 1735689600  # catalogues give no dates; one constant keeps lists comparable


class Shelf:
    """The models list, from the catalogues at hand whatever the upstream does."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: web.BaseRequest) -> web.StreamResponse:
        """What can be used, in OpenAI's shape, or Anthropic's with `anthropic-version`."""
        models = await self._gateway.catalogues.all(PATIENCE)
        usable = [m for m in models if not m.refusal]
        listed = listing(usable, self._gateway.habits.naming)
        entries = [_entry(each.id, each.model) for each in listed]
        return as_json(_anthropic(entries) if _asks_anthropic(request) else _openai(entries))

    async def one(self, request: web.BaseRequest) -> web.StreamResponse:
        """One model, by any name that a request could use. Raises UnknownModel."""
        id = request.path.removeprefix(ONE)
        models = await self._gateway.catalogues.all(PATIENCE)
        choice = choose(id, models, self._gateway.habits.naming)
        return as_json(_entry(id, choice.model))


def _asks_anthropic(request: web.BaseRequest) -> bool:
    return "anthropic-version" in request.headers


def _entry(id: str, model: Model | None) -> dict[str, Any]:
    """One object with both vendors' keys: each client reads its own."""
    entry: dict[str, Any] = {
        "id": id,
        "type": "model",
        "object": "model",
        "created": CREATED,
        "created_at": datetime.fromtimestamp(CREATED, UTC).isoformat().replace("+00:00", "Z"),
        "owned_by": model.vendor if model else "notion",
        "display_name": model.label if model else "Auto (Notion chooses)",
        "lifecycle": "active",  # what is retired is not in the catalogue
    }
    if model and model.context:
        entry |= {"context_window": model.context, "max_input_tokens": model.input}
    if model and model.output:
        entry["max_tokens"] = model.output
    return entry


def _openai(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": entries}


def _anthropic(entries: list[dict[str, Any]]) -> dict[str, Any]:
    ids = [entry["id"] for entry in entries]
    return {
        "data": entries,
        "has_more": False,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
    }
