"""`usage`: what was used, day by day."""

from collections.abc import Sequence

import click
from msgspec import Struct, structs

from ..journal import Journal, Used
from .places import store
from .tables import Row, json_option, show

WAYS = ("day", "account", "key", "model")
_FIGURES = ("requests", "failed", "input", "output")


class _Sum(Struct):
    requests: int = 0
    failed: int = 0
    input: int = 0
    output: int = 0


@click.command(
    "usage",
    epilog="\b\nExamples:\n  notion-manager usage --by account\n"
    "  notion-manager usage --days 1 --by key --by model --json",
)
@click.option("--days", type=click.IntRange(1, 400), default=7, show_default=True,
              help="How many days to count, including today; days are UTC.")  # fmt: skip
@click.option("--by", "ways", type=click.Choice(WAYS), multiple=True, default=("day",),
              help="What to count by; may be repeated. By day if not given.")  # fmt: skip
@json_option
def command(days: int, ways: Sequence[str], *, as_json: bool) -> None:
    """Count requests and tokens, by account, key or model.

    Counts what servers on this machine answered or failed to answer. Tokens are those in the log:
    Notion's figures, or estimates where it gave none.
    """
    with store() as opened:
        used = Journal(opened.notes).used(days)
    ways = tuple(dict.fromkeys(ways))
    show(_summed(used, ways), (*ways, *_FIGURES), as_json=as_json, empty="Nothing was used.")


def _summed(used: Sequence[Used], ways: Sequence[str]) -> Sequence[Row]:
    sums: dict[tuple[str, ...], _Sum] = {}
    for each in used:
        total = sums.setdefault(tuple(getattr(each, way) for way in ways), _Sum())
        for figure in _FIGURES:
            setattr(total, figure, getattr(total, figure) + getattr(each, figure))
    return [
        {**dict(zip(ways, key, strict=True)), **structs.asdict(total)}
        for key, total in sums.items()
    ]
