"""A client of Chat Completions: reads a stream strictly, and adds it up as the SDKs do."""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """What a client holds in the end. `text` None is a null content."""

    text: str | None = ""
    reasoning: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    finish: str | None = None
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    done: bool = False
    chunks: list[dict[str, Any]] = field(default_factory=list, compare=False)


def records(stream: bytes) -> list[dict[str, Any] | None]:
    """The JSON object of each data line; None is `[DONE]`. Comments are skipped."""
    assert stream.endswith(b"\n\n") or not stream
    found: list[dict[str, Any] | None] = []
    for frame in stream.decode().removesuffix("\n\n").split("\n\n"):
        assert len(frame.splitlines()) <= 1, "some clients would see two lines"
        if frame.startswith(":") or not frame:
            continue
        assert frame.startswith("data: ")
        data = frame.removeprefix("data: ")
        found.append(None if data == "[DONE]" else json.loads(data))
        assert isinstance(found[-1], dict | None)
    return found


def read_stream(stream: bytes) -> Answer:
    answer = Answer()
    for record in records(stream):
        assert not answer.done, "something follows [DONE]"
        assert answer.error is None, "something follows an error"
        if record is None:
            answer.done = True
        elif "error" in record:
            answer.error = record["error"]
        else:
            _chunk(answer, record)
    if answer.calls and not answer.text:
        answer.text = None
    return answer


def _chunk(answer: Answer, chunk: dict[str, Any]) -> None:
    assert {"id", "object", "created", "model", "choices"} <= chunk.keys()
    assert chunk["object"] == "chat.completion.chunk"
    if answer.chunks:
        envelope = ("id", "created", "model")
        assert [chunk[k] for k in envelope] == [answer.chunks[0][k] for k in envelope]
    else:
        assert chunk["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    answer.chunks.append(chunk)
    answer.usage = chunk.get("usage") or answer.usage
    for choice in chunk["choices"]:
        assert answer.finish is None, "a choice after its end"
        answer.finish = choice["finish_reason"]
        _delta(answer, choice["delta"])


def _delta(answer: Answer, delta: dict[str, Any]) -> None:
    answer.text = (answer.text or "") + delta.get("content", "")
    answer.annotations += delta.get("annotations", [])
    answer.reasoning += delta.get("reasoning_content", "")
    for fragment in delta.get("tool_calls", ()):
        _call(answer.calls, deepcopy(fragment))


def _call(calls: list[dict[str, Any]], fragment: dict[str, Any]) -> None:
    index = fragment.pop("index")
    if index == len(calls):
        assert fragment["id"] not in [c["id"] for c in calls]
        calls.append(fragment)
        return
    assert index == len(calls) - 1, "a call grows after the next began"
    ((kind, growth),) = fragment.items()
    for key, text in growth.items():
        calls[index][kind][key] += text


def read_whole(body: bytes) -> Answer:
    """The answer that is not streamed; it is as finished as a stream with its `[DONE]`."""
    completion = json.loads(body)
    assert completion["object"] == "chat.completion"
    (choice,) = completion["choices"]
    message = choice["message"]
    assert message["role"] == "assistant"
    return Answer(
        text=message["content"],
        reasoning=message.get("reasoning_content", ""),
        annotations=message.get("annotations", []),
        calls=message.get("tool_calls", []),
        finish=choice["finish_reason"],
        usage=completion["usage"],
        done=True,
    )
