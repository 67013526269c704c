import json

import pytest

from notion_manager.simulator import Simulator, demo_accounts
from tests.cli.terminal import Run, script


@pytest.fixture(name="account")
def _account(run: Run, notion: Simulator) -> Simulator:
    token = demo_accounts()[0].token_v2
    assert run("accounts", "add", "--token-v2", "-", "--alias", "ada", stdin=token).exit_code == 0
    return notion


def test_the_answer_is_on_stdout_and_what_served_it_on_stderr(run: Run, account: Simulator) -> None:
    done = run("ask", "Hello there")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip()
    assert " on ada, " in done.stderr
    assert account.count("runInferenceTranscript") == 1


def test_streamed_or_whole_the_answer_is_the_same(run: Run, account: Simulator) -> None:
    assert run("ask", "Hello there").stdout == run("ask", "Hello there", "--no-stream").stdout


def test_the_question_may_come_from_stdin(run: Run, account: Simulator) -> None:
    assert run("ask", "-", stdin="Hello there").stdout == run("ask", "Hello there").stdout


@pytest.mark.parametrize(("text", "stdin"), [("", None), (" \n", None), ("-", ""), ("-", "\n")])
def test_an_empty_question_is_a_usage_error(run: Run, text: str, stdin: str | None) -> None:
    done = run("ask", text, stdin=stdin)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the question is empty" in done.stderr


@pytest.mark.parametrize(("text", "stdin"), [("-", b"caf\xe9"), ("caf\udce9", b"")])
def test_a_question_that_is_no_text_is_refused(run: Run, text: str, stdin: bytes) -> None:
    """A shell hands on whatever bytes it has."""
    done = run("ask", text, stdin=stdin)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the question is not UTF-8 text\n")


@pytest.mark.parametrize(
    ("api", "last"),
    [
        ("messages", b"event: message_stop\ndata: "),
        ("chat", b"data: [DONE]\n\n"),
        ("responses", b"event: response.completed\ndata: "),
    ],
)
def test_through_an_api_the_bytes_are_what_its_client_reads(
    run: Run, account: Simulator, api: str, last: bytes
) -> None:
    done = run("ask", "Hello there", "--as", api)
    assert done.exit_code == 0, done.output
    assert last in done.stdout_bytes
    whole = run("ask", "Hello there", "--as", api, "--no-stream")
    assert isinstance(json.loads(whole.stdout), dict)


def test_without_an_account_it_says_how_to_get_one(run: Run) -> None:
    done = run("ask", "Hello")
    assert done.exit_code == 1
    assert done.stderr.count("`notion-manager accounts add`") == 1
    assert done.stderr.splitlines()[-1] == "  `--demo` works without any account"


def test_a_model_that_nobody_has_names_the_nearest(run: Run, account: Simulator) -> None:
    done = run("ask", "Hello", "--model", "no-such-model")
    assert done.exit_code == 1
    assert "no-such-model" in done.stderr
    assert "`notion-manager models`" in done.stderr


def test_a_dead_account_exits_4_or_says_that_none_is_left(run: Run, account: Simulator) -> None:
    account.kill_token(demo_accounts()[0].token_v2)
    assert run("ask", "Hello").exit_code == 4


def test_the_demo_needs_no_account_and_keeps_nothing(env: dict[str, str]) -> None:
    done = script(env, "ask", "Hello", "--demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    listed = script(env, "accounts", "list", "--json")
    assert json.loads(listed.stdout) == []


def test_models_are_listed_with_ids_that_ask_takes(run: Run, account: Simulator) -> None:
    done = run("models")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split() == ["ID", "NAME", "VENDOR", "EFFORTS", "USABLE"]
    offered = json.loads(run("models", "--json").stdout)
    assert offered[0]["id"] == "auto"
    assert run("ask", "Hello", "--model", "auto").exit_code == 0
    usable = next(m["id"] for m in offered[1:] if not m["refusal"])
    assert run("ask", "Hello", "--model", usable).exit_code == 0


def test_without_accounts_there_are_no_models(run: Run) -> None:
    done = run("models")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "accounts add" in done.stderr
