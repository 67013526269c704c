import json
from pathlib import Path

import pytest

from notion_manager.keys import match
from notion_manager.store import Store
from tests.cli.terminal import Run


def test_a_key_is_printed_alone_on_stdout_this_once(run: Run, env: dict[str, str]) -> None:
    done = run("keys", "add", "laptop")
    assert done.exit_code == 0
    assert "cannot be shown again" in done.stderr
    assert "within a second" in done.stderr
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        assert match(store.keys(), done.stdout.strip()) == "laptop"
    listed = run("keys", "list")
    assert listed.stdout.splitlines()[1].startswith("laptop  the APIs  20")
    assert done.stdout.strip() not in listed.output


def test_keys_are_listed_as_json_without_their_digests(run: Run) -> None:
    run("keys", "add", "laptop")
    (row,) = json.loads(run("keys", "list", "--json").stdout)
    assert set(row) == {"name", "opens", "admin", "created", "created_at"}


def test_without_keys_the_list_says_how_to_get_one(run: Run) -> None:
    done = run("keys", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "keys add NAME" in done.stderr
    assert run("keys", "list", "--json").stdout == "[]\n"


def test_the_name_of_the_environments_key_is_taken(run: Run) -> None:
    done = run("keys", "add", "environment")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "NOTION_MANAGER_API_KEY" in done.stderr


def test_a_name_is_used_once(run: Run) -> None:
    run("keys", "add", "laptop")
    done = run("keys", "add", "laptop")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "error: there is a key named laptop\n"
        "  choose another name, or run `notion-manager keys remove laptop` first\n"
    )


def test_a_name_in_a_remedy_can_be_pasted(run: Run) -> None:
    run("keys", "add", "my laptop")
    assert "keys remove 'my laptop'`" in run("keys", "add", "my laptop").stderr


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[31m"])
def test_a_name_that_cannot_be_read_is_refused(run: Run, name: str) -> None:
    assert run("keys", "add", name).exit_code == 2


def test_a_removed_key_is_gone_and_cannot_be_removed_twice(run: Run) -> None:
    run("keys", "add", "laptop")
    done = run("keys", "remove", "laptop")
    assert done.exit_code == 0
    assert done.stderr == "removed laptop; a running server refuses it within a second\n"
    done = run("keys", "remove", "laptop")
    assert done.exit_code == 1
    assert done.stderr == "error: there is no key named laptop\n  see `notion-manager keys list`\n"


def test_an_admin_key_is_told_from_the_others(run: Run) -> None:
    assert run("keys", "add", "me", "--admin").exit_code == 0
    (row,) = json.loads(run("keys", "list", "--json").stdout)
    assert (row["opens"], row["admin"]) == ("the admin pages", True)
