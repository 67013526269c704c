"""Accounts of other tools, taken over: from the environment and from their files."""

import json
from pathlib import Path

from click.testing import Result

from notion_manager.simulator import Simulator, demo_accounts
from tests.cli.terminal import Run

ADA, GRACE = (person.token_v2 for person in demo_accounts())
READING_ROOM = "22222222-2222-4222-8222-2222222222f1"


def rows(done: Result) -> list[tuple[str, str]]:
    return [(row["alias"], row["result"]) for row in json.loads(done.stdout)]


def test_the_environment_has_tokens_with_their_selectors(
    run: Run, env: dict[str, str], notion: Simulator
) -> None:
    env |= {
        "NOTION_TOKEN_V2": f"token_v2={ADA}", "NOTION_SPACE_ID": READING_ROOM.replace("-", ""),
        "NOTION_TOKEN_V2_2": GRACE, "NOTION_EXPECTED_EMAIL_2": "Grace@example.test",
        "NOTION_ACTIVE_USER_ID_2": "11111111-1111-4111-8111-1111111111b2",
        "NOTION_SPACE_ID_2": "22222222-2222-4222-8222-2222222222b2",
        "NOTION_TOKEN_V2_17": "too-many", "NOTION_TOKEN_V2_3": " ",
    }  # fmt: skip
    done = run("accounts", "import", "--json")
    assert done.exit_code == 0, done.output
    assert rows(done) == [("reading-room", "added"), ("sample-labs", "added")]
    listed = json.loads(run("accounts", "list", "--json").stdout)
    assert [row["workspace"] for row in listed] == ["Reading Room", "Sample Labs"]
    assert ADA not in done.output
    assert GRACE not in done.output


def test_files_of_another_tool_are_read_and_one_that_fails_keeps_no_other_away(
    run: Run, notion: Simulator, tmp_path: Path
) -> None:
    folder = tmp_path / "accounts"
    folder.mkdir()
    good = {"token_v2": ADA, "space_id": READING_ROOM, "user_email": "ada@example.test", "plan": 1}
    for name, text in {
        "a.json": json.dumps(good),
        "b.json": "[1]",
        "c.json": '{"user_id": "x"}',
        "d.json": "{",
        "e.json": json.dumps({**good, "user_email": "grace@example.test"}),
        "f.json": json.dumps({**good, "space_id": "22222222-2222-4222-8222-2222222222f3"}),
        "g.json": json.dumps(
            {
                "full_cookie": f"a=b; token_v2={ADA}",
                "space_id": "22222222-2222-4222-8222-2222222222f2",
            }
        ),
        "h.json": json.dumps({"token_v2": "dead"}),
        "note.txt": "no account",
    }.items():
        (folder / name).write_text(text)
    (folder / "i.json").mkdir()
    done = run("accounts", "import", str(folder), "--json")
    assert done.exit_code != 0
    results = rows(done)
    assert results[0] == ("reading-room", "added")
    told = [result for _, result in results[1:]]
    wanted = (
        "not a JSON object", "no token_v2", "not a JSON object", "does not belong to g…@example.test",
        "does not open the workspace", "turned off", "401", "cannot be read",
    )  # fmt: skip
    for result, words in zip(told, wanted, strict=True):
        assert words in result, result
    assert ADA not in done.output


def test_a_token_of_several_workspaces_needs_a_choice(
    run: Run, env: dict[str, str], notion: Simulator
) -> None:
    """Unless one is the only paid one with AI."""
    env["NOTION_TOKEN_V2"] = ADA
    assert rows(run("accounts", "import", "--json")) == [("adas-space", "added")]
    env["NOTION_TOKEN_V2"] = GRACE
    ((alias, result),) = rows(run("accounts", "import", "--json"))
    assert (alias, "name one by its id" in result) == ("", True)


def test_nothing_to_import_is_told(run: Run, tmp_path: Path) -> None:
    done = run("accounts", "import")
    assert (done.exit_code, "NOTION_TOKEN_V2" in done.stderr) == (1, True)
    assert run("accounts", "import", str(tmp_path / "nowhere")).exit_code == 2
    (tmp_path / "empty").mkdir()
    assert run("accounts", "import", str(tmp_path / "empty")).exit_code == 1
