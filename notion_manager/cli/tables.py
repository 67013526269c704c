"""Lists for people, and the same lists as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from ..redact import visible

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

Row = dict[str, Any]


def show(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print `columns` of each row in a table, or whole rows as one JSON list.

    `empty` is what to say, on stderr, where there is nothing.
    """
    if as_json:
        dump(rows)
        return
    if not rows:
        click.echo(empty, err=True)
        return
    cells = [[visible(str(row[column])) for column in columns] for row in rows]
    heads = [column.replace("_", " ").upper() for column in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    click.secho(_line(heads, widths), bold=True)
    for each in cells:
        click.echo(_line(each, widths))


def dump(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def moment(at: float | None) -> str:
    """Unix seconds as local time; "never" where there is none."""
    if at is None:
        return "never"
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()
