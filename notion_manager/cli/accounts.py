"""`accounts`: the Notion workspaces that may answer."""

import os
import sys
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from ..config import Config
from ..errors import AiDisabled, BadRequest, Problem, WorkspaceRefused
from ..redact import visible
from ..secret import Secret
from ..standing import Terms
from ..store import Store
from ..upstreams.notion_web.account import Account, Login, Workspace, cookie_token, preferred
from .candidates import Candidate, of_environment, of_path
from .complaints import Complaint, about
from .described import COLUMNS, WHY, Known, described
from .enrol import account_of, free_alias, masked, named, obvious, slug, state
from .explain import explain
from .places import config_option, settings, store
from .tables import Row, json_option, show
from .wiring import Checked, check, login, offered, run


@click.group("accounts", epilog="\b\nExample:\n  notion-manager accounts add --alias work")
def command() -> None:
    """Add, list, check and remove Notion workspaces.

    Pool only accounts that are your own: Notion's terms are yours to keep.
    """


IN_THE_OPEN = (
    "a token on the command line can be seen by other users and stays in the shell's history. "
    "Pipe it in, or leave it out to be asked for it."
)


class _Discreet(click.Command):
    """Takes no arguments. One that it gets may be a token: it is refused without being repeated."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError as exc:
            if "extra argument" not in exc.message:
                raise
            said = f"this command takes options only: {IN_THE_OPEN}"
            raise click.UsageError(said, ctx) from None


def _from_stdin(ctx: click.Context, param: click.Parameter, value: str | None) -> bool:
    """Anything but "-" may be a token: it is refused without being repeated."""
    if value not in (None, "-"):
        raise click.UsageError(f"--token-v2 takes only '-': {IN_THE_OPEN}")
    return value == "-"


@command.command(
    cls=_Discreet,
    epilog="\b\nExamples:\n  notion-manager accounts add\n"
    "  wl-paste | notion-manager accounts add --token-v2 - --workspace 'My Space'\n\n"
    "The token is the `token_v2` cookie of www.notion.so, found in your browser's developer tools "
    "under Storage or Application. It opens your whole workspace, so it is kept in a file that "
    "only you can read.",
)
@click.option(
    "--token-v2",
    "piped",
    metavar="-",
    callback=_from_stdin,
    help="Read the token from stdin: its value, `token_v2=…` or a whole Cookie header.",
)
@click.option("--workspace", help="The workspace to use, by name or id.")
@click.option("--alias", help="What to call the account; by default, after its workspace.")
@click.option("--user", default="", help="Which user, by id or e-mail, if the session has several.")
@config_option
def add(
    workspace: str | None, alias: str | None, user: str, config_file: Path | None, *, piped: bool
) -> None:
    """Add a workspace, or renew the token of one already added.

    Finds out whose token it is and which workspaces it opens, checks the one you choose with a free
    read, and stores it.
    """
    config = settings(config_file)
    token = _token(piped=piped)
    found = run(login(config, token, user))
    chosen = _chosen(found, workspace, may_ask=not piped and sys.stdin.isatty())
    with store() as opened:
        account = _made(opened, found, chosen, token, alias)
        earlier = next((a.alias for a in opened.accounts() if _same(a, account)), "")
        models = run(_enrolled(config, opened, account))
    verb = "Renewed" if earlier else "Added"
    renamed = f" (renamed from {earlier})" if earlier not in ("", account.alias) else ""
    click.echo(f"{verb} {account.alias}{renamed}: {chosen.name} ({state(chosen)}).")
    click.echo(f"It offers {models} models; `notion-manager models` lists them.")
    click.echo("Next: `notion-manager serve`. A running server uses it within a second.")


@command.command(
    "import",
    epilog="\b\nExamples:\n  notion-manager accounts import\n"
    "  notion-manager accounts import ~/other-tool/accounts",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@json_option
@config_option
def import_(paths: Sequence[Path], config_file: Path | None, *, as_json: bool) -> None:
    """Add accounts from the environment, or from another tool's files.

    Without PATHS: NOTION_TOKEN_V2, and NOTION_TOKEN_V2_2 to _16, each with NOTION_ACTIVE_USER_ID,
    NOTION_SPACE_ID and NOTION_EXPECTED_EMAIL where they are set. A PATH is a JSON file with
    token_v2 and, if needed, user_id and space_id, or a directory of such files. Each account is
    checked as `accounts add` checks it; one that fails does not stop the others.
    """
    config = settings(config_file)
    found = list(of_environment(os.environ)) if not paths else list(chain(*map(of_path, paths)))
    if not found:
        raise Complaint("nothing to import", "set NOTION_TOKEN_V2, or name files to read")
    problems: list[Problem] = []
    rows: list[Row] = []
    with store() as opened:
        for source in found:
            try:
                alias = run(_imported(config, opened, source.read()))
                rows.append({"source": source.name, "alias": alias, "result": "added"})
            except Problem as problem:
                problems.append(problem)
                rows.append({"source": source.name, "alias": "", "result": str(problem)})
    show(rows, ("source", "alias", "result"), as_json=as_json, empty="")
    for problem in problems:
        raise about(problem)


@command.command(
    "list",
    epilog="\b\nExamples:\n  notion-manager accounts list\n"
    "  notion-manager accounts list --why --json",
)
@click.option(
    "--why", is_flag=True, help="Say why an account is not used: reason, scope, evidence."
)
@json_option
def list_(*, why: bool, as_json: bool) -> None:
    """List accounts, their standing and what each has left.

    The bar shows what was left, when last read, of the limit that will be reached first. Beside it:
    when that limit resets, and when it will be reached at the current rate.
    """
    with store() as opened:
        rows = described(Known.of(opened), time.time())
    columns = WHY if why else COLUMNS
    empty = "No accounts; `notion-manager accounts add` adds one."
    show(rows, columns, as_json=as_json, empty=empty)


@command.command("check", epilog="\b\nExample:\n  notion-manager accounts check work")
@click.argument("alias", required=False)
@json_option
@config_option
def check_(alias: str | None, config_file: Path | None, *, as_json: bool) -> None:
    """Read from each account once, or only from ALIAS. This costs no allowance."""
    config = settings(config_file)
    with store() as opened:
        accounts = [a for a in opened.accounts() if alias in (None, a.alias)]
        if not accounts:
            raise _no_such(alias)
        results = run(check(config, opened, accounts))
    _show_checks(results, as_json=as_json)


@command.command(
    "set",
    epilog="\b\nExamples:\n  notion-manager accounts set work --concurrency 4\n"
    "  notion-manager accounts set spare --disable",
)
@click.argument("alias")
@click.option(
    "--enable/--disable", "enabled", default=None, help="Whether the account may answer at all."
)
@click.option(
    "--weight",
    type=click.FloatRange(0.01, 100),
    help="Its share of the requests: weight 2 gets twice as many as weight 1.",
)
@click.option(
    "--concurrency",
    "seats",
    type=click.IntRange(0, 1000),
    help="Answers it may give at once; 0 for `pool.concurrency` from the configuration.",
)
def set_(alias: str, **given: Any) -> None:
    """Set how the account called ALIAS may be used. What you leave out stays as it is."""
    told = {name: value for name, value in given.items() if value is not None}
    with store() as opened:
        terms = replace(opened.terms().get(alias, Terms()), **told)
        if not opened.save_terms(alias, terms):
            raise _no_such(alias)
    click.echo(f"{alias}: {_terms(terms)}; a running server follows within a second", err=True)


@command.command(epilog="\b\nExample:\n  notion-manager accounts remove work")
@click.argument("alias")
def remove(alias: str) -> None:
    """Forget the account called ALIAS and its token. Notion itself is not told."""
    with store() as opened:
        if not opened.remove_account(alias):
            raise _no_such(alias)
    click.echo(f"removed {alias}; a running server stops using it within a second", err=True)


command.add_command(explain)


def _made(
    opened: Store, found: Login, chosen: Workspace, token: Secret, alias: str | None
) -> Account:
    """Raises AiDisabled where nothing could be asked there."""
    if chosen.ai is False:
        raise AiDisabled(f"Notion AI is turned off in {chosen.name}")
    return account_of(found, chosen, token, _alias(opened, found, chosen, alias))


async def _enrolled(config: Config, opened: Store, account: Account) -> int:
    """Checked and stored; how many models it offers. Raises Problem."""
    models = await offered(config, account)
    opened.put_account(account)
    opened.save_catalogue(account.alias, models, time.time())
    return len(models)


async def _imported(config: Config, opened: Store, candidate: Candidate) -> str:
    """The alias that it is stored under. Raises Problem."""
    found = await login(config, candidate.token, candidate.user)
    if candidate.email and found.email.casefold() != candidate.email.casefold():
        raise BadRequest(f"the token does not belong to {masked(candidate.email)}")
    fitting = named(found.workspaces, candidate.space) if candidate.space else ()
    chosen = fitting[0] if fitting else obvious(found.workspaces)
    if candidate.space and not fitting:
        raise WorkspaceRefused("the token does not open the workspace it is meant for")
    if chosen is None:
        raise BadRequest("the token opens several workspaces; name one by its id")
    account = _made(opened, found, chosen, candidate.token, None)
    await _enrolled(config, opened, account)
    return account.alias


def _token(*, piped: bool) -> Secret:
    """Raises BadRequest, which says what to give instead and does not repeat what was given."""
    if piped:
        return cookie_token(sys.stdin.read())
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask at; pipe the token in with --token-v2 -"
        )
    return cookie_token(click.prompt("token_v2 (not shown)", hide_input=True, err=True))


def _chosen(found: Login, wanted: str | None, *, may_ask: bool) -> Workspace:
    workspaces = found.workspaces
    if wanted is not None:
        fitting = named(workspaces, wanted)
        if len(fitting) == 1:
            return fitting[0]
        problem = "several workspaces have that name" if fitting else "there is no such workspace"
        raise Complaint(problem, "give the id of one of these:", *_listed(workspaces))
    if len(workspaces) > 1 and may_ask:
        return _asked(workspaces)
    if choice := obvious(workspaces):
        _tell_others(workspaces, choice)
        return choice
    raise Complaint("which workspace?", "choose one with --workspace:", *_listed(workspaces))


def _asked(workspaces: Sequence[Workspace]) -> Workspace:
    for number, workspace in enumerate(workspaces, 1):
        click.echo(f"  {number}  {workspace.name} ({state(workspace)})", err=True)
    best = preferred(workspaces)
    default = 1 + next(i for i, w in enumerate(workspaces) if w is best)
    kind = click.IntRange(1, len(workspaces))
    number = click.prompt("Which workspace", type=kind, default=default, err=True)
    return workspaces[number - 1]


def _tell_others(workspaces: Sequence[Workspace], choice: Workspace) -> None:
    others = _listed([w for w in workspaces if w is not choice])
    if others:
        click.echo("Chosen for you; use --workspace for another:", err=True)
    for line in others:
        click.echo(f"  {visible(line)}", err=True)


def _listed(workspaces: Sequence[Workspace]) -> list[str]:
    return [f"{w.id}  {w.name} ({state(w)})" for w in workspaces]


def _alias(opened: Store, found: Login, chosen: Workspace, wanted: str | None) -> str:
    """What was asked for, else what it is called already, else something free."""
    if wanted is not None:
        if wanted != slug(wanted):
            raise click.BadParameter(
                f"lower-case letters, digits and dashes only, such as {slug(wanted)}",
                param_hint="--alias",
            )
        return wanted
    accounts = opened.accounts()
    probe = account_of(found, chosen, Secret(""), "")
    known = next((a.alias for a in accounts if _same(a, probe)), "")
    return known or free_alias(slug(chosen.name), {a.alias for a in accounts})


def _same(one: Account, other: Account) -> bool:
    return (one.user_id, one.space_id) == (other.user_id, other.space_id)


def _terms(terms: Terms) -> str:
    concurrency = (
        f"{terms.seats} at once" if terms.seats else "as many at once as `pool.concurrency`"
    )
    return f"{'enabled' if terms.enabled else 'disabled'}, weight {terms.weight:g}, {concurrency}"


def _show_checks(results: Sequence[Checked], *, as_json: bool) -> None:
    """Raises the complaint about the first that failed."""
    rows = [
        {
            "alias": r.alias,
            "models": r.models,
            "result": str(r.problem) if r.problem else "fine",
            "problem": r.problem.code if r.problem else None,
        }
        for r in results
    ]
    show(rows, ("alias", "models", "result"), as_json=as_json, empty="")
    for result in results:
        if result.problem:
            complaint = about(result.problem)
            raise type(complaint)(f"{result.alias}: {complaint.message}", *complaint.lines)


def _no_such(alias: str | None) -> Complaint:
    if alias is None:
        return Complaint("there is no account", "`notion-manager accounts add` adds one")
    return Complaint(f"there is no account named {alias}", "see `notion-manager accounts list`")
