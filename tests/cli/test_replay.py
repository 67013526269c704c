import json

import pytest

from tests.cli.terminal import Run


def recording(*texts: str, cut: bool = False) -> bytes:
    """A patch stream whose one step grows by `texts`."""
    step = {"id": "1", "type": "agent-inference", "value": [{"type": "text", "content": ""}]}
    add = {"type": "patch", "v": [{"o": "a", "p": "/s/-", "v": step}]}
    grow = [
        {"type": "patch", "v": [{"o": "x", "p": "/s/0/value/0/content", "v": text}]}
        for text in texts
    ]
    end = {"type": "patch", "v": [{"o": "a", "p": "/s/0/finishedAt", "v": 1}]}
    start = {"type": "patch-start", "data": {"s": []}, "version": 1}
    lines = [start, add, *grow, *([] if cut else [end])]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def events(output: str) -> list[dict[str, object]]:
    decoder, found = json.JSONDecoder(), []
    while output := output.strip():
        value, end = decoder.raw_decode(output)
        found.append(value)
        output = output[end:]
    return found


def test_a_recording_is_told_as_events(run: Run) -> None:
    done = run("replay", stdin=recording("Hel", "lo"))
    assert done.exit_code == 0, done.output
    *texts, last = events(done.stdout)
    assert "".join(str(t["text"]) for t in texts) == "Hello"
    assert (last["is"], last["stop"]) == ("Done", "end")


def test_a_recording_is_told_as_a_whole(run: Run) -> None:
    done = run("replay", "--no-stream", stdin=recording("Hel", "lo"))
    reply = json.loads(done.stdout)
    assert reply["parts"] == [{"is": "Text", "text": "Hello"}]


@pytest.mark.parametrize(
    ("api", "last"),
    [
        ("messages", "event: message_stop\ndata: "),
        ("chat", "data: [DONE]\n\n"),
        ("responses", "event: response.completed\ndata: "),
    ],
)
def test_a_recording_is_told_as_a_client_would_read_it(run: Run, api: str, last: str) -> None:
    done = run("replay", "--as", api, stdin=recording("Hello"))
    assert done.exit_code == 0, done.output
    assert last in done.stdout
    whole = run("replay", "--as", api, "--no-stream", stdin=recording("Hello"))
    assert "Hello" in whole.stdout
    assert isinstance(json.loads(whole.stdout), dict)
    again = run("replay", "--as", api, stdin=recording("Hello"))
    assert again.stdout == done.stdout  # so that it can be a golden file


@pytest.mark.parametrize(
    ("api", "sign"),
    [("messages", "event: error"), ("chat", '"error"'), ("responses", "response.failed")],
)
def test_a_recording_that_breaks_off_tells_what_came_then_the_failure(
    run: Run, api: str, sign: str
) -> None:
    done = run("replay", "--as", api, stdin=recording("Hello", cut=True))
    assert done.exit_code == 5
    assert "Hello" in done.stdout
    assert sign in done.stdout
    assert done.stderr.startswith("error: ")

    assert "notion.base_url" not in done.stderr


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\n\n",
        b"<html>nothing here</html>",
        b"\x00\xff",
        b"[1]",
        b'{"messages": []}',
        b'data: {"type": "message_start"}\n\n',
    ],
)
def test_what_is_no_recording_is_told(run: Run, junk: bytes) -> None:
    done = run("replay", stdin=junk)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "error: this is not a recording of an answer stream\n"
        "  it takes the body of a runInferenceTranscript response: JSON lines, just as received\n"
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"type": "error", "subType": "trust-rule-denied", "message": "no"}, 4),
        ({"isNotionError": True, "name": "UnauthorizedError"}, 5),
        ({"type": "patch-start", "data": {"s": []}}, 5),
    ],
)
def test_a_recorded_failure_is_told_without_advice_about_the_network(
    run: Run, line: object, code: int
) -> None:
    done = run("replay", stdin=json.dumps(line))
    head, advice = done.stderr.splitlines()
    assert (done.exit_code, advice) == (code, "  this is how the recording ends; nothing was sent")
    assert head.startswith("error: ")
