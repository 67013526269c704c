import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from notion_manager.cli import main
from notion_manager.reading import describe
from tests.cli.terminal import Run


def test_check_says_that_there_are_no_mistakes(run: Run, config: Path) -> None:
    done = run("config", "check")
    assert (done.exit_code, done.stdout) == (0, f"no mistakes ({config})\n")


def test_check_tells_all_mistakes_at_once_and_exits_3(
    run: Run, config: Path, env: dict[str, str]
) -> None:
    config.write_text("[server]\nport = 'x'\nprot = 1")
    env["NOTION_MANAGER_LOG_LEVEL"] = "loud"
    done = run("config", "check")
    assert done.exit_code == 3
    assert done.stdout == ""
    assert done.stderr == (
        f"error: the configuration has 3 mistakes ({config}, the environment)\n"
        "  server.port: expected a whole number, got a string\n"
        "    write it as 3000, without quotes\n"
        "  server.prot: there is no such key\n"
        "    did you mean server.port?\n"
        '  NOTION_MANAGER_LOG_LEVEL: "loud" is not one of the choices\n'
        "    choose one of debug, info, warning, error\n"
    )


def test_a_named_file_must_exist(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    done = run("config", "check", "--config", str(missing))
    assert done.exit_code == 3
    assert done.stderr.startswith(f"error: {missing} cannot be read: it does not exist\n  name ")


def test_the_users_own_file_need_not_exist(env: dict[str, str], tmp_path: Path) -> None:
    del env["NOTION_MANAGER_CONFIG"]
    env["XDG_CONFIG_HOME"] = str(tmp_path / "home")
    done = CliRunner(env=env).invoke(main, ["config", "check"])
    assert done.exit_code == 0
    assert "which does not exist" in done.stdout


@pytest.mark.parametrize(
    ("text", "reason"), [(b"\xff\xfe", "it is not UTF-8 text"), (None, "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_told(
    run: Run, config: Path, text: bytes | None, reason: str
) -> None:
    config.unlink()
    config.write_bytes(text) if text else config.mkdir()
    done = run("config", "check")
    assert done.exit_code == 3
    assert reason in done.stderr


def test_a_byte_order_mark_is_no_mistake(run: Run, config: Path) -> None:
    config.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 4000\r\n")
    assert run("config", "check").exit_code == 0


def test_show_tells_what_set_each_value(run: Run, config: Path, env: dict[str, str]) -> None:
    config.write_text("[server]\nport = 4000\n[notion]\nproxy = 'http://ada:hush@proxy.test'")
    env["NOTION_MANAGER_LOG_LEVEL"] = "debug"
    rows = {row["key"]: row for row in json.loads(run("config", "show", "--json").stdout)}
    assert (rows["server.port"]["value"], rows["server.port"]["source"]) == ("4000", "file")
    assert rows["log.level"]["source"] == "environment"
    assert rows["server.host"]["source"] == "default"
    assert rows["notion.proxy"]["value"] == '"http://…@proxy.test"'
    assert len(rows) == len(describe())


def test_show_works_with_mistakes(run: Run, config: Path) -> None:
    config.write_text(
        "[server]\nport = 'x'\nhost = '0.0.0.0'\n[notion]\nbase_url = 'http://notion.example'"
    )
    done = run("config", "show")
    assert done.exit_code == 3
    assert done.stdout.splitlines()[0].split() == ["KEY", "VALUE", "SOURCE", "WHY"]
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    for key in ("server.port", "server.host", "notion.base_url"):
        assert "  default (file refused)  " in rows[key]
        assert f"  {key}: " in done.stderr
    assert "0.0.0.0" not in done.stdout  # noqa: S104
    as_json = run("config", "show", "--json")
    told = {row["key"]: row for row in json.loads(as_json.stdout)}
    assert as_json.exit_code == 3
    assert (told["server.host"]["source"], told["server.host"]["refused"]) == ("default", "file")
    assert told["server.expose"]["refused"] == ""


def test_a_refused_value_may_stand_over_one_that_is_taken(
    run: Run, config: Path, env: dict[str, str]
) -> None:
    config.write_text("[server]\nport = 4000")
    env["NOTION_MANAGER_SERVER_PORT"] = "many"
    done = run("config", "show")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("server.port ")]
    assert row.split()[1:5] == ["4000", "file", "(environment", "refused)"]


def test_what_is_wrong_in_the_environment_is_not_blamed_on_the_file(
    run: Run, config: Path, env: dict[str, str]
) -> None:
    env["NOTION_MANAGER_LOG_LEVEL"] = "loud"
    done = run("config", "check")
    assert done.stderr.startswith("error: the configuration has a mistake (the environment)\n")
    assert str(config) not in done.stderr


def test_path_prints_file_and_state_directory(run: Run, config: Path, env: dict[str, str]) -> None:
    state = env["NOTION_MANAGER_STATE_DIR"]
    assert run("config", "path").stdout == f"{config}\n{state}\n"
    assert json.loads(run("config", "path", "--json").stdout) == {
        "config": str(config),
        "state": state,
    }
