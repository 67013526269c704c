"""Failures that come inside a 200: what they say, and the five places where they are said."""

from dataclasses import dataclass
from random import Random

from .scenarios import ERRORS, Scenario
from .shapes import Json, new_id

DENIED = "AI inference is not allowed."
LATER = "Something went wrong. Please try again later."
DISABLED = "Agent inference failed: aiNotEnabled (AiNotEnabledOnSpaceGetCompletionError)"
PLACES = ("line", "line-late", "start", "append", "patch", "record-map")
LATE = frozenset({"line-late", "patch"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a kind named in the scenario table, said in one of PLACES."""

    kind: str
    place: str
    step: Json

    @property
    def late(self) -> bool:
        """Whether part of the answer comes first."""
        return self.place in LATE

    def line(self) -> Json:
        """As a top-level line: an error without a sub-type has a code there instead."""
        if self.kind == "error":
            return {"type": "error", "message": LATER, "errorCode": "unknown"}
        return self.step


def chosen(
    scenario: Scenario, rng: Random, *, model: str, trace_id: str, used: Json
) -> Failure | None:
    """The failure that the scenario asks for. `used` is the quota wall's `limit`.

    Raises nothing for an unknown place: the kind's usual one is taken.
    """
    kind = scenario.first(ERRORS)
    if kind is None:
        return None
    place = scenario.get(kind)
    usual = "line" if kind == "error" else "start"
    step = _wall(rng, used) if kind == "exhausted" else _error(kind, rng, model, trace_id)
    return Failure(kind, place if place in PLACES else usual, step)


def _wall(rng: Random, used: Json) -> Json:
    return {
        "id": new_id(rng),
        "type": "premium-feature-unavailable",
        "featureAvailability": {"type": "unavailable", "limit": used},
    }


def _error(kind: str, rng: Random, model: str, trace_id: str) -> Json:
    messages = {
        "trust-rule-denied": DENIED,
        "quota-exhausted": DENIED,
        "temporarily-unavailable": LATER,
        "ai-not-enabled": DISABLED,
        "model-unavailable": f"Agent inference failed: the model {model} is not available.",
        "error": LATER,
    }
    step = {"id": new_id(rng), "type": "error", "message": messages[kind], "traceId": trace_id}
    if kind in {"trust-rule-denied", "quota-exhausted", "temporarily-unavailable"}:
        step |= {"subType": kind, "isRetryable": False}
    return step
