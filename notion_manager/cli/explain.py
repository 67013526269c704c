"""`accounts explain`: why an account is used, or is not."""

import time
from pathlib import Path

import click

from .. import explanations
from ..assembly import habits
from ..config import Config
from ..explanations import Explanation, Offers, spelled
from ..journal import Journal
from ..models import Naming
from ..pool import Pool
from ..redact import visible
from ..standing import Standing
from ..store import Store
from ..verdicts import Verdict
from .complaints import Complaint
from .described import WHY, why
from .places import config_option, settings, store
from .tables import Row, dump, json_option, moment, show

COLUMNS = ("place", "alias", "verdict", *WHY[2:])


@click.command(
    epilog="\b\nExamples:\n  notion-manager accounts explain --model opus-4.6\n"
    "  notion-manager accounts explain 0123456789abcdef0123456789abcdef",
)
@click.argument("request_id", required=False)
@click.option("--model", default="", help="For a request that asks for this model.")
@json_option
@config_option
def explain(request_id: str | None, model: str, config_file: Path | None, *, as_json: bool) -> None:
    """Say which account a request would get, and why not others.

    With REQUEST_ID, from `x-request-id` or the log: which accounts were asked, which were not, and
    why. The last ten thousand requests are remembered, but not what they said.
    """
    config = settings(config_file)
    naming = habits(config).naming
    with store() as opened:
        pool = _pool(config, opened)
        found = _past(opened, pool, request_id, naming) if request_id else None
        lists = {alias: shelved.models for alias, shelved in opened.catalogues().items()}
    offers = Offers(naming, lists)
    told = found or explanations.now(pool, time.time(), model, offers)
    if as_json:
        dump(spelled(told))
        return
    if told.request:
        click.echo(_course(told))
    show([_row(each) for each in told.accounts], COLUMNS, as_json=False, empty="No accounts.")


def _past(opened: Store, pool: Pool, id: str, naming: Naming) -> Explanation:
    """Raises Complaint."""
    found = explanations.past(Journal(opened.notes), pool, id, naming)
    if found is None:
        raise Complaint(
            "no request with that id is remembered",
            "take the id from `x-request-id` or the log, once the request is over",
        )
    return found


def _pool(config: Config, opened: Store) -> Pool:
    """The accounts as they were last seen."""
    known = {standing.name: standing for standing in opened.standings()}
    standings = [known.get(a.alias, Standing(a.alias)) for a in opened.accounts()]
    pool = Pool(standings, config.pool.longest_rest, config.pool.concurrency, opened.terms())
    pool.recall(opened.allowances())
    return pool


def _course(told: Explanation) -> str:
    """What became of the request, in a line or two."""
    record = told.request
    if record is None:
        return ""
    way = f"{record.method} {record.path}".strip() or record.api
    who = f"Key {record.key} asked for {record.asked or 'no model'} by {way}"
    said = [f"{who} at {moment(told.at)}, and waited {record.waited or 0:g} s for a seat."]
    if record.problem:
        said.append(f"It ended with {record.problem} (status {record.status}).")
    else:
        said.append(f"{record.account} answered with {record.served}; thread {record.thread}.")
    return visible(" ".join(said))


def _row(verdict: Verdict) -> Row:
    return {
        "place": verdict.place or "",
        "alias": verdict.account,
        "verdict": verdict.verdict,
        **why(verdict),
    }
