"""`threads`: what was made in Notion, and how it goes away."""

import json
from pathlib import Path

from notion_manager.cli.threads import FORGETFUL
from notion_manager.simulator import Simulator, demo_accounts
from notion_manager.store import Store, Thread
from tests.cli.terminal import Run

ADA = demo_accounts()[0].token_v2


def remembered(env: dict[str, str], **used_at: float) -> None:
    """Threads of the only account, by their ids."""
    with Store(Path(env["NOTION_MANAGER_STATE_DIR"]) / "state.db") as store:
        (account,) = store.accounts()
        store.save_threads(Thread(id, account.identity, at) for id, at in used_at.items())


def test_that_nothing_is_remembered_by_default_is_told(run: Run, config: Path) -> None:
    for command, told in (("list", "No chats are remembered.\n"), ("purge", "deleted 0 of 0\n")):
        assert run("threads", command).stderr == f"{told}{FORGETFUL}\n"
    config.write_text("[threads]\nretention = 24\n")
    for command, told in (("list", "No chats are remembered.\n"), ("purge", "deleted 0 of 0\n")):
        assert run("threads", command).stderr == told


def test_chats_are_listed_and_deleted(
    run: Run, env: dict[str, str], config: Path, notion: Simulator
) -> None:
    config.write_text("[threads]\nretention = 24\n")
    assert run("accounts", "add", "--token-v2", "-", stdin=ADA).exit_code == 0
    remembered(env, old=1_000.0, new=4e9)
    (old, new) = json.loads(run("threads", "list", "--json").stdout)
    assert (old["id"], old["account"], old["used_at"]) == ("old", "adas-space", 1000.0)
    assert new["id"] == "new"
    done = run("threads", "purge", "--older", "24")
    assert (done.exit_code, done.stderr) == (0, "deleted 1 of 1\n")
    assert notion.count("saveTransactionsFanout") == 1
    assert [t["id"] for t in json.loads(run("threads", "list", "--json").stdout)] == ["new"]


def test_what_cannot_be_deleted_is_told(run: Run, env: dict[str, str], notion: Simulator) -> None:
    assert run("accounts", "add", "--token-v2", "-", stdin=ADA).exit_code == 0
    remembered(env, t=1.0)
    notion.kill_token(ADA)
    done = run("threads", "purge")
    assert done.exit_code == 1
    assert "deleted 0 of 1" in done.stderr
    assert "some could not be deleted just now" in done.stderr
