"""JSON as it comes from outside, narrowed; ids; the two wrappings of a stored record."""

from random import Random
from typing import Any, Literal, cast
from uuid import UUID

Json = dict[str, Any]
Wrapping = Literal["double", "single"]
Era = Literal["2026-03", "2026-08"]


def as_object(value: Any) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a JSON list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def new_id(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def signature(rng: Random) -> str:
    """What stands for a vendor's signature over its reasoning."""
    return f"c2lt{rng.getrandbits(96):024x}=="


def wrap(value: Json, wrapping: Wrapping, role: str = "editor") -> Json:
    """A record as the service sends it: the newer shape has the value twice inside."""
    return {"value": {"value": value, "role": role} if wrapping == "double" else value} | (
        {"role": role} if wrapping == "single" else {}
    )
