"""What an exchange is given besides the body: the facts that pure code cannot find out."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field


def _nothing(id: str) -> None:
    return None


class Exchange(Struct, frozen=True):
    """`id` is 32 hex digits, fresh; `now` is Unix seconds; headers are asked for in lower case.

    `recall` gives back what an earlier exchange of the same caller wanted remembered under an id.
    """

    id: str
    now: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    recall: Callable[[str], Mapping[str, Any] | None] = _nothing
