import json
from pathlib import Path

import pytest

from tests.cli.terminal import Run
from tests.files import PNG, data_url

CHAT = b'{"model":"gpt-5.2","seed":1,"messages":[{"role":"user","content":"Hi"}],"stream":true}'


def test_a_body_is_told_as_the_turn_that_it_means(run: Run) -> None:
    done = run("translate", "--as", "chat", stdin=CHAT)
    assert done.exit_code == 0
    turn = json.loads(done.stdout)
    assert turn["is"] == "Turn"
    assert turn["model"] == "gpt-5.2"
    assert turn["messages"] == [
        {"is": "Message", "role": "user", "parts": [{"is": "Text", "text": "Hi"}]}
    ]


def test_what_has_no_meaning_here_is_named_on_stderr(run: Run) -> None:
    assert run("translate", "--as", "chat", stdin=CHAT).stderr == "ignored: seed\n"


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}),
        ("chat", {"messages": [{"role": "user", "content": "Hi"}]}),
        ("responses", {"input": "Hi"}),
    ],
)
def test_the_three_apis_mean_the_same_and_so_does_the_request_to_notion(
    run: Run, api: str, body: object
) -> None:
    done = run("translate", "--as", api, "--to", "notion", stdin=json.dumps(body))
    assert done.exit_code == 0, done.output
    sent = json.loads(done.stdout)
    assert sent["transcript"][-1]["value"] == [["Hi"]]
    assert sent["transcript"][0]["value"]["modelFromUser"] is False
    assert "token" not in done.stdout
    assert (
        run("translate", "--as", api, "--to", "notion", stdin=json.dumps(body)).stdout
        == done.stdout
    )


def test_a_codename_is_put_where_notion_reads_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(CHAT)
    done = run("translate", str(path), "--as", "chat", "--to", "notion", "--codename", "oatmeal")
    config = json.loads(done.stdout)["transcript"][0]["value"]
    assert (config["model"], config["useWebSearch"], config["useReadOnlyMode"]) == (
        "oatmeal",
        True,
        True,
    )


def test_a_body_that_is_wrong_is_told_with_its_path(run: Run) -> None:
    done = run("translate", "--as", "chat", stdin=b'{"messages":[{"role":"user","content":1}]}')
    assert done.exit_code == 1
    assert done.stderr.startswith("error: messages[0].content: ")


def test_an_unknown_api_is_a_usage_error(run: Run) -> None:
    assert run("translate", "--as", "gopher", stdin=b"{}").exit_code == 2


def test_a_missing_file_is_a_usage_error(run: Run) -> None:
    assert run("translate", "/no/such/file", "--as", "chat").exit_code == 2


def test_a_body_with_bytes_is_told_by_their_number(run: Run) -> None:
    image = {"type": "image_url", "image_url": {"url": data_url("image/png", PNG)}}
    body = {"messages": [{"role": "user", "content": [image]}]}
    turn = json.loads(run("translate", "--as", "chat", stdin=json.dumps(body)).stdout)
    (file,) = turn["messages"][0]["parts"]
    assert (file["is"], file["data"]) == ("File", f"<{len(PNG)} bytes>")
    assert file["path"] == "messages[0].content[0].image_url.url"
