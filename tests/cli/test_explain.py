"""`accounts explain` and `usage`: from what a server wrote down, whether it still runs or not."""

import json
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from notion_manager.journal import Journal
from notion_manager.standing import Standing, Terms
from notion_manager.store import Store
from tests.cli.terminal import Run
from tests.rig import account_of, someone
from tests.scripted import MODELS
from tests.test_journal import DONE


@pytest.fixture
def stored(env: dict[str, str]) -> None:
    """Three accounts, of which one rests and one is disabled, and two requests."""
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        for number, alias in enumerate(("one", "two", "three"), 1):
            store.put_account(account_of(someone(number), alias))
        journal = Journal(store.notes)
        tired = Standing("two", ready_at=time.time() + 600, reason="rate_limit_exceeded", since=1.0)
        store.save_standings(tired)
        store.save_terms("three", Terms(enabled=False))
        journal.changed([tired])
        journal.note(replace(DONE, tried="two rate_limit_exceeded", thread="moved"))
        journal.note(replace(DONE, id="r2", account="two", problem="upstream_error", status=502))


@pytest.mark.usefixtures("stored")
def test_what_a_request_would_get_now_is_told(run: Run) -> None:
    done = run("accounts", "explain")
    assert done.exit_code == 0
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [
        ["1", "one", "ready"],
        ["three", "disabled", "disabled"],
        ["two", "resting", "rate_limit_exceeded"],
    ]
    rows = json.loads(run("accounts", "explain", "--json").stdout)["accounts"]
    assert [(row["account"], row["verdict"], row["place"]) for row in rows] == [
        ("one", "ready", 1),
        ("three", "disabled", 0),
        ("two", "resting", 0),
    ]


@pytest.mark.usefixtures("stored")
def test_an_account_without_the_model_is_not_ready_for_it(run: Run, env: dict[str, str]) -> None:
    """By the lists that are at hand, and whatever the model is called."""
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        store.save_terms("three", Terms())
        store.save_catalogue("one", MODELS[1:], 0.0)
        store.save_catalogue("three", MODELS, 0.0)
    for asked, verdicts in (
        ("claude-opus-4-6-20260101[1m]", {"one": "ready", "three": "ready"}),
        ("avocado-froyo-medium", {"one": "lacking", "three": "ready"}),
        ("auto", {"one": "ready", "three": "ready"}),
        ("zzz", {"one": "lacking", "three": "lacking"}),
    ):
        told = json.loads(run("accounts", "explain", "--model", asked, "--json").stdout)["accounts"]
        assert {a["account"]: a["verdict"] for a in told} == {**verdicts, "two": "resting"}
    (one, *_) = [a for a in told if a["account"] == "one"]
    assert (one["reason"], one["scope"], one["place"]) == ("model_not_found", "model", 0)
    assert one["evidence"].startswith("there is no model called 'zzz'")


@pytest.mark.usefixtures("stored")
def test_what_became_of_a_request_is_told(run: Run) -> None:
    done = run("accounts", "explain", "r1")
    assert "Key laptop asked for opus by chat at 20" in done.stdout
    assert "one answered with opus-4.6; thread moved." in done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines()[2:]] == [
        ["one", "answered"],
        ["two", "failed"],
        ["three", "disabled"],
    ]
    failed = run("accounts", "explain", "r2").stdout
    assert "It ended with upstream_error (status 502)." in failed
    told = json.loads(run("accounts", "explain", "r2", "--json").stdout)
    assert told["request"]["problem"] == "upstream_error"


@pytest.mark.usefixtures("stored")
def test_what_a_client_wrote_commands_no_terminal(run: Run, env: dict[str, str]) -> None:
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        Journal(store.notes).note(replace(DONE, id="r3", asked="\x1b[2J\nAll is well."))
    assert "asked for \\x1b[2J\\x0aAll is well. by chat" in run("accounts", "explain", "r3").stdout


@pytest.mark.usefixtures("stored")
def test_a_request_of_no_api_is_told_by_what_it_wanted(run: Run, env: dict[str, str]) -> None:
    wanted = {"api": "", "account": "", "method": "GET", "path": "/v1/nothing", "asked": ""}
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        Journal(store.notes).note(replace(DONE, id="r3", problem="not_found", status=404, **wanted))
    told = run("accounts", "explain", "r3").stdout
    assert "Key laptop asked for no model by GET /v1/nothing at 20" in told


@pytest.mark.usefixtures("stored")
def test_a_request_that_is_not_known_is_a_complaint_with_a_remedy(run: Run) -> None:
    done = run("accounts", "explain", "unknown")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "take the id from `x-request-id` or the log" in done.stderr


@pytest.mark.usefixtures("stored")
def test_what_was_used_is_counted_by_what_is_asked(run: Run) -> None:
    rows = json.loads(run("usage", "--by", "account", "--json").stdout)
    assert rows == [
        {"account": "one", "requests": 1, "failed": 0, "input": 10, "output": 3},
        {"account": "two", "requests": 1, "failed": 1, "input": 10, "output": 3},
    ]
    (row,) = json.loads(run("usage", "--by", "key", "--by", "model", "--json").stdout)
    assert row == {
        "key": "laptop", "model": "opus-4.6", "requests": 2, "failed": 1, "input": 20, "output": 6,
    }  # fmt: skip
    assert run("usage").stdout.splitlines()[0].split() == [
        "DAY", "REQUESTS", "FAILED", "INPUT", "OUTPUT",
    ]  # fmt: skip


def test_without_anything_used_the_list_is_empty(run: Run) -> None:
    assert run("usage", "--json").stdout == "[]\n"
    assert "Nothing was used" in run("usage").stderr
