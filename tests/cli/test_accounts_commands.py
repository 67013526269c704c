import json
import time
from pathlib import Path

import pytest

from notion_manager.errors import Denied
from notion_manager.simulator import Simulator, demo_accounts
from notion_manager.standing import Standing
from notion_manager.store import Store
from tests.cli.terminal import Run, person, script

ADA, GRACE = (person_.token_v2 for person_ in demo_accounts())


def stored(env: dict[str, str]) -> dict[str, str]:
    """The tokens kept, by alias."""
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        return {a.alias: a.token_v2.reveal() for a in store.accounts()}


@pytest.mark.parametrize(
    "pasted",
    [
        ADA,
        f"{ADA}\n",
        f"token_v2={ADA}",
        f"Cookie: a=b; token_v2={ADA}; c=d\r\n",
        f"notion_locale=en-US/legacy; token_v2={ADA}",
    ],
)
def test_a_token_from_stdin_is_found_checked_and_stored(
    run: Run, env: dict[str, str], notion: Simulator, pasted: str
) -> None:
    done = run("accounts", "add", "--token-v2", "-", stdin=pasted)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Added adas-space: Ada's Space (business, AI on).\n")
    assert "Next: `notion-manager serve`" in done.stdout
    assert stored(env) == {"adas-space": ADA}
    chosen, *others = done.stderr.splitlines()
    assert chosen == "Chosen for you; use --workspace for another:"
    assert "  22222222-2222-4222-8222-2222222222f1  Reading Room (free, AI on)" in others
    assert not any("Ada's Space" in other for other in others)
    assert notion.count("loadUserContent") == 1
    assert notion.count("getAvailableModels") == 1
    assert notion.count("runInferenceTranscript") == 0
    assert ADA not in done.output


def test_a_token_in_the_command_line_is_refused_without_being_repeated(
    run: Run, notion: Simulator
) -> None:
    done = run("accounts", "add", "--token-v2", ADA)
    assert done.exit_code == 2
    assert "takes only '-'" in done.stderr
    assert ADA not in done.output
    assert run("accounts", "add", f"--token-v2={ADA}").exit_code == 2
    stray = run("accounts", "add", ADA)
    assert (stray.exit_code, ADA in stray.output) == (2, False)
    assert "Pipe it in" in stray.stderr
    assert "--nope" in run("accounts", "add", "--nope").stderr
    assert "requires an argument" in run("accounts", "add", "--alias").stderr
    assert notion.count("loadUserContent") == 0


def test_without_a_terminal_the_token_must_be_piped(env: dict[str, str]) -> None:
    done = script(env, "accounts", "add", stdin=ADA.encode())
    assert done.returncode == 2
    assert b"--token-v2 -" in done.stderr


@pytest.mark.parametrize("pasted", ["", "a=b; c=d", "two words", "Cookie: other=1"])
def test_what_holds_no_token_is_told_without_being_repeated(run: Run, pasted: str) -> None:
    done = run("accounts", "add", "--token-v2", "-", stdin=pasted)
    assert done.exit_code == 1
    assert "token_v2" in done.stderr
    assert "change what is named there" not in done.stderr
    assert not pasted or pasted not in done.output


def test_a_dead_token_exits_4_and_stores_nothing(
    run: Run, env: dict[str, str], notion: Simulator
) -> None:
    notion.kill_token(ADA)
    done = run("accounts", "add", "--token-v2", "-", stdin=ADA)
    assert done.exit_code == 4
    assert "copy a fresh token_v2" in done.stderr
    assert stored(env) == {}


def test_where_notion_cannot_be_reached_the_exit_code_is_5(run: Run, env: dict[str, str]) -> None:
    env["NOTION_MANAGER_NOTION_BASE_URL"] = "http://127.0.0.1:9"
    done = run("accounts", "add", "--token-v2", "-", stdin=ADA)
    assert done.exit_code == 5
    assert done.stderr.startswith("error: the connection to Notion failed")


@pytest.mark.parametrize("wanted", ["Reading Room", "22222222-2222-4222-8222-2222222222f1"])
def test_a_workspace_is_chosen_by_name_or_id(
    run: Run, env: dict[str, str], notion: Simulator, wanted: str
) -> None:
    done = run("accounts", "add", "--token-v2", "-", "--workspace", wanted, stdin=ADA)
    assert done.exit_code == 0, done.output
    assert list(stored(env)) == ["reading-room"]


def test_an_unknown_workspace_lists_those_that_there_are(run: Run, notion: Simulator) -> None:
    done = run("accounts", "add", "--token-v2", "-", "--workspace", "Nowhere", stdin=ADA)
    assert done.exit_code == 1
    assert "Ada's Space (business, AI on)" in done.stderr
    assert "Left Behind" not in done.stderr


def test_without_a_terminal_a_choice_that_is_not_obvious_is_asked_back(
    run: Run, notion: Simulator
) -> None:
    done = run("accounts", "add", "--token-v2", "-", stdin=GRACE)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: which workspace?\n  choose one with --workspace:\n")
    assert "Sample Labs (enterprise, AI not said)" in done.stderr


def test_a_workspace_with_ai_off_is_refused(run: Run, notion: Simulator) -> None:
    done = run("accounts", "add", "--token-v2", "-", "--workspace", "Quiet Office", stdin=ADA)
    assert done.exit_code == 4
    assert "Notion AI is turned off in Quiet Office" in done.stderr
    assert notion.count("getAvailableModels") == 0


def test_on_a_terminal_the_token_is_not_shown_and_the_workspace_is_asked(
    env: dict[str, str], notion: Simulator
) -> None:
    types = {"token_v2 (not shown): ": f"{ADA}\n", "Which workspace [1]: ": "2\n"}
    code, screen = person(env, "accounts", "add", types=types)
    assert code == 0, screen
    assert ADA not in screen
    assert "  1  Ada's Space (business, AI on)\n" in screen
    assert "Added reading-room" in screen
    assert list(stored(env)) == ["reading-room"]


def test_a_person_who_interrupts_exits_130(env: dict[str, str], notion: Simulator) -> None:
    code, screen = person(env, "accounts", "add", types={"token_v2 (not shown): ": "\x03"})
    assert (code, stored(env)) == (130, {}), screen


def test_adding_it_again_renews_it_under_the_same_name(
    run: Run, env: dict[str, str], notion: Simulator
) -> None:
    run("accounts", "add", "--token-v2", "-", "--alias", "work", stdin=ADA)
    done = run("accounts", "add", "--token-v2", "-", stdin=ADA)
    assert done.stdout.startswith("Renewed work: ")
    assert stored(env) == {"work": ADA}
    done = run("accounts", "add", "--token-v2", "-", "--alias", "office", stdin=ADA)
    assert done.stdout.startswith("Renewed office (renamed from work): ")
    assert stored(env) == {"office": ADA}


def test_an_alias_is_one_accounts_own(run: Run, env: dict[str, str], notion: Simulator) -> None:
    run("accounts", "add", "--token-v2", "-", "--alias", "work", stdin=ADA)
    more = ("accounts", "add", "--token-v2", "-", "--workspace", "Sample Labs")
    done = run(*more, "--alias", "work", stdin=GRACE)
    assert done.exit_code == 1
    assert "another account is named work" in done.stderr
    assert run(*more, "--alias", "Grace Sample", stdin=GRACE).exit_code == 2
    assert run(*more, "--alias", "grace-sample", stdin=GRACE).exit_code == 0
    assert sorted(stored(env)) == ["grace-sample", "work"]


def test_the_list_tells_how_accounts_stand_and_no_address(run: Run, notion: Simulator) -> None:
    run("accounts", "add", "--token-v2", "-", stdin=ADA)
    done = run("accounts", "list")
    head, row = done.stdout.splitlines()
    assert head.split() == ["ALIAS", "WORKSPACE", "PLAN", "STANDING", "LEFT", "LAST", "CHECK"]
    assert row.startswith("adas-space  Ada's Space  business  ready     unknown  20")
    assert "@" not in done.stdout
    (as_json,) = json.loads(run("accounts", "list", "--json").stdout)
    assert as_json["email"] == "a…@example.test"
    assert ADA not in str(as_json)


def test_an_owner_says_how_an_account_may_be_used(run: Run, notion: Simulator) -> None:
    run("accounts", "add", "--token-v2", "-", "--alias", "work", stdin=ADA)
    done = run("accounts", "set", "work", "--concurrency", "4", "--weight", "2")
    assert done.stderr.startswith("work: enabled, weight 2, 4 at once; a running server")
    done = run("accounts", "set", "work", "--disable")
    assert done.stderr.startswith("work: disabled, weight 2, 4 at once;")
    assert "disabled" in run("accounts", "list").stdout
    (row,) = json.loads(run("accounts", "list", "--json").stdout)
    assert (row["standing"], row["weight"], row["concurrency"]) == ("disabled", 2, 4)
    done = run("accounts", "set", "work", "--enable", "--concurrency", "0")
    assert "as many at once as `pool.concurrency`" in done.stderr
    assert run("accounts", "set", "nobody", "--enable").exit_code == 1
    assert run("accounts", "set", "work", "--weight", "0").exit_code == 2
    run("accounts", "add", "--token-v2", "-", "--alias", "work", stdin=ADA)
    (row,) = json.loads(run("accounts", "list", "--json").stdout)
    assert row["weight"] == 2  # renewing the token changes nothing of that


def test_the_list_shows_what_is_left_and_why_one_is_not_used(run: Run, notion: Simulator) -> None:
    run("accounts", "add", "--token-v2", "-", "--workspace", "Reading Room", stdin=ADA)
    assert "unknown" in run("accounts", "list").stdout
    assert run("accounts", "check").exit_code == 0
    assert "#######... 69%" in run("accounts", "list").stdout
    (row,) = json.loads(run("accounts", "list", "--json").stdout)
    assert row["allowance"]["meters"][0] == {
        "kind": "user", "used": 23, "limit": 75, "left": 0.6933, "resets_at": None,
        "used_up_at": None, "binds": True,
    }  # fmt: skip
    notion.kill_token(ADA)
    run("accounts", "check")
    head, why = run("accounts", "list", "--why").stdout.splitlines()
    assert head.split() == ["ALIAS", "STANDING", "REASON", "SCOPE", "SINCE", "UNTIL", "EVIDENCE"]
    assert "account_unauthorized  login" in why
    assert "accounts check" in why


def test_without_accounts_the_list_says_how_to_add_one(run: Run) -> None:
    done = run("accounts", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "accounts add" in done.stderr


def test_a_check_reads_every_account_and_keeps_what_it_learned(run: Run, notion: Simulator) -> None:
    run("accounts", "add", "--token-v2", "-", stdin=ADA)
    run("accounts", "add", "--token-v2", "-", "--workspace", "Sample Labs", stdin=GRACE)
    assert run("accounts", "check").exit_code == 0
    notion.kill_token(GRACE)
    done = run("accounts", "check", "--json")
    assert done.exit_code == 4
    ada, grace = json.loads(done.stdout)
    assert (ada["result"], grace["problem"]) == ("fine", "account_unauthorized")
    assert ada["models"] > 0
    assert done.stderr.startswith("error: sample-labs: ")
    listed = {
        a["alias"]: a["standing"] for a in json.loads(run("accounts", "list", "--json").stdout)
    }
    assert listed == {"adas-space": "ready", "sample-labs": "retired: account_unauthorized"}
    assert run("accounts", "check", "adas-space").exit_code == 0
    notion.revive_token(GRACE)
    assert run("accounts", "check").exit_code == 0
    assert "retired" not in run("accounts", "list").stdout


def test_a_check_takes_back_one_that_was_denied_but_not_while_it_rests(
    run: Run, env: dict[str, str], notion: Simulator
) -> None:
    """A read that costs nothing is no sign that a denial is over."""
    run("accounts", "add", "--token-v2", "-", stdin=ADA)
    now = time.time()
    for ready_at, retired, told in (
        (now + 200, False, "upstream_denied"),
        (now - 10, False, "ready"),
        (now - 10, True, "ready"),
    ):
        denied = Standing(
            "adas-space", 1, 1, ready_at, retired, Denied.code, now - 300, careful=True
        )
        with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
            store.save_standings(denied)
        assert run("accounts", "check").exit_code == 0
        (row,) = json.loads(run("accounts", "list", "--json").stdout)
        assert told in row["standing"]
        assert row["concurrency"] == (None if told == "ready" else 1)


def test_a_check_of_nothing_is_told(run: Run) -> None:
    assert "accounts add" in run("accounts", "check").stderr
    done = run("accounts", "check", "ghost")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: there is no account named ghost\n")


def test_a_removed_account_is_gone(run: Run, env: dict[str, str], notion: Simulator) -> None:
    run("accounts", "add", "--token-v2", "-", stdin=ADA)
    assert run("accounts", "remove", "adas-space").exit_code == 0
    assert stored(env) == {}
    assert run("accounts", "remove", "adas-space").exit_code == 1
