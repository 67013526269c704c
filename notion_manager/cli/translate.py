"""`translate`: a request body to what it means here. Nothing is sent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO
from uuid import UUID

import click
import orjson

from ..bridge import lower
from ..habits import Habits, settle
from ..models import Choice, Model
from ..secret import Secret
from ..turn import EFFORTS, Turn
from ..upstreams.notion_web.account import Account
from ..upstreams.notion_web.transcript import begin, request
from ..upstreams.notion_web.uploads import Attached, parcels, shown
from .protocols import exchange, protocol
from .spelling import plain
from .tables import dump

_SOMEBODY = Account(
    alias="example",
    token_v2=Secret(""),
    user_id="11111111-1111-4111-8111-111111111111",
    user_name="Ada Example",
    email="ada@example.test",
    space_id="22222222-2222-4222-8222-222222222222",
    space_name="Ada's Space",
    space_view_id="33333333-3333-4333-8333-333333333333",
    plan="business",
)


@click.command(
    "translate",
    epilog="\b\nExamples:\n  notion-manager translate request.json --as messages\n"
    "  notion-manager translate --as chat --to notion < request.json\n\n"
    "Ids, times and the account are made up, and always the same, so that runs can be compared.",
)
@click.argument("body", type=click.File("rb"), default="-", metavar="[FILE]")
@click.option("--as", "api", type=protocol, required=True, help="The API that the body is for.")
@click.option(
    "--to",
    type=click.Choice(["turn", "notion"]),
    default="turn",
    show_default=True,
    help="What to print: how it is read here, or the request that Notion would get.",
)
@click.option("--codename", default="", help="Notion's own name for the model, with --to notion.")
def command(body: BinaryIO, api: str, to: str, codename: str) -> None:
    """Show what a request body means here.

    Reads FILE or stdin and prints JSON. Whatever has no effect is listed on stderr. Nothing is sent
    anywhere.
    """
    read = exchange(api, body.read())
    if read.ignored:
        click.echo(f"ignored: {', '.join(read.ignored)}", err=True)
    if to == "turn":
        dump(plain(read.turn))
        return
    now = datetime.fromtimestamp(0, UTC)
    lowered, ids = lower(read.turn), _ids()
    turn = _settled(lowered.turn if lowered else read.turn, codename)
    files = {parcel.data: shown(parcel, "attachment:…", None) for parcel in parcels(turn)}
    thread_id = next(ids)
    attached = Attached(thread_id, files) if files else None
    anchor = begin(_SOMEBODY, thread_id, ids=ids, now=now, made=bool(files))
    sent = request(turn, _SOMEBODY, anchor, next(ids), ids=ids, now=now, attached=attached)
    dump(orjson.loads(sent))


def _settled(turn: Turn, codename: str) -> Turn:
    """As an unconfigured server would; without a catalogue, the model is what `codename` says."""
    model = Model(codename, codename, "", "", efforts=EFFORTS) if codename else None
    return settle(turn, Choice(model, "exact"), Habits())


def _ids() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield str(UUID(int=number, version=4))
