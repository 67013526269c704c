import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from notion_manager.config import Log
from notion_manager.errors import UpstreamBroken
from notion_manager.logs import Head, JsonLines, Lines, RequestRecord, handler, report
from notion_manager.redact import redactor, visible
from notion_manager.secret import Secret

TOKEN = "v03%3AeyJhbGciOiJkaXIiLCJraWQiOiJwcm9kdWN0aW9uIn0.canary"
CANARY = Secret("canary-without-any-telling-shape")
RECORD = RequestRecord(
    id="0123abcd",
    key="laptop",
    api="messages",
    asked="claude-opus-4-6",
    served="opus-4.6",
    account="ada",
    status=200,
    first_content=1.235,
    duration=3.0,
    input_tokens=12,
    output_tokens=None,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Logger = tuple[logging.Logger, io.StringIO]


def logger(
    format_: str = "text", name: str = "notion_manager.test", out: io.StringIO | None = None
) -> Logger:
    """A logger that nobody else hears, and what it wrote."""
    out = out or io.StringIO()
    made = logging.Logger(name)  # noqa: LOG001 - one that no other test shares
    made.addHandler(handler(Log(format=format_), out, [CANARY]))
    return made, out


def say(log: logging.Logger, fields: dict[str, object]) -> None:
    message = "request"
    log.info(message, fields)


def raised(body: Callable[[], object], format_: str) -> str:
    log, out = logger(format_)
    try:
        body()
    except Exception:
        log.exception("it broke")
    return out.getvalue()


# One line a request


def test_a_request_is_one_line_of_keys_and_values_on_a_terminal() -> None:
    log, out = logger("auto", out=Terminal())
    say(log, asdict(RECORD))
    assert out.getvalue()[20:] == (
        "info    request id=0123abcd key=laptop api=messages asked=claude-opus-4-6"
        " served=opus-4.6 account=ada status=200 first_content=1.235 duration=3.0 input_tokens=12\n"
    )


LINES = """
import io, sys
from notion_manager.config import Log
from notion_manager.logs import RequestRecord, configure
request_line = configure(Log(level=sys.argv[1]))
one = {
    "id": "id", "key": "key", "api": "chat", "asked": "gpt", "served": "gpt-5.2", "account": "ada",
    "duration": 1.0, "input_tokens": 3, "output_tokens": 4,
}
request_line(RequestRecord(**one, status=200))
request_line(RequestRecord(**one, status=502, first_content=0.5, problem="upstream_error"))
import logging
logging.getLogger("aiohttp.server").info("chatter")
logging.getLogger("aiohttp.server").warning("Error\\nbody: v03:secret")
"""


@pytest.mark.parametrize(
    ("level", "count"), [("debug", 3), ("info", 3), ("warning", 2), ("error", 1)]
)
def test_elsewhere_it_is_a_json_object_a_line_on_stderr(level: str, count: int) -> None:
    command = [sys.executable, "-c", LINES, level]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert len(lines) == count
    assert lines[-1]["message"] == "Error"  # of other libraries, the first line of warnings
    if level == "info":
        assert lines[0].pop("time").endswith("+00:00")
        assert lines[0] == {
            "level": "info",
            "logger": "notion_manager.request",
            "message": "request",
            "id": "id",
            "key": "key",
            "api": "chat",
            "asked": "gpt",
            "served": "gpt-5.2",
            "account": "ada",
            "status": 200,
            "duration": 1.0,
            "input_tokens": 3,
            "output_tokens": 4,
        }
        assert lines[1]["level"] == "warning"
        assert lines[1]["problem"] == "upstream_error"


WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            [TOKEN, CANARY.reveal(), "nm-0123456789", "a" * 300, "opus-4.6", "\x7f", '"']
        ),
        st.text(max_size=9),
    ),
    max_size=3,
).map("".join)


@given(WORDS, WORDS, st.floats(0, 1e9), st.floats(0, 2e9))
def test_the_short_way_to_a_line_says_what_the_long_one_does(
    asked: str, path: str, seconds: float, now: float
) -> None:
    lines = JsonLines(redactor([CANARY]))
    record = replace(RECORD, asked=asked, path=path, duration=round(seconds, 3))
    head = Head(now, "info", "notion_manager.request")
    said = lines.request(head, record)
    assert json.loads(said) == json.loads(Lines.request(lines, head, record))
    assert CANARY.reveal() not in said
    assert said.isascii()
    assert said.isprintable()


# Nothing forged


@pytest.mark.parametrize("format_", ["text", "json"])
@given(st.text(st.characters(exclude_categories=())))
@example("\x7f")
@example("\x9b2J")
def test_no_value_of_a_client_makes_a_second_line_or_a_terminal_command(
    format_: str, model: str
) -> None:
    log, out = logger(format_)
    say(log, {"asked": model})
    log.info("asked for %s", model)
    lines = out.getvalue()
    assert len(lines.splitlines()) == 2
    assert visible(lines.replace("\n", "")) == lines.replace("\n", "")
    lines.encode()  # no half surrogates either


def test_a_value_with_blanks_or_quotes_is_quoted() -> None:
    log, out = logger()
    say(log, {"asked": 'a" status=200', "flag": True, "name": "Zoë"})
    assert out.getvalue()[28:] == 'request asked="a\\" status=200" flag=True name="Zoë"\n'


def test_a_long_value_is_cut() -> None:
    log, out = logger()
    say(log, {"asked": "x" * 5000})
    assert len(out.getvalue()) < 400


# Nothing secret

DISGUISES = [
    TOKEN,
    TOKEN.replace("%3A", ":"),
    TOKEN.replace("%3A", "%253A"),
    f"token_v2={TOKEN}; other=1",
    "token_v2=canary",
    "Cookie: a=b; notion_user_id=canary",
    "{'cookie': 'canary', 'x': 'canary'}",
    "set-cookie: canary",
    "Authorization: Bearer canary",
    "Proxy-Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==canary",
    "x-api-key: canary",
    "x-ap\u0131-key: canary",  # no i, but the same to an expression that minds no case
    "nm-abcdefgh_canary",
    "http://ada:canary@proxy.test:3128",
    CANARY.reveal(),
]


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_secret_is_masked_wherever_it_stands(disguise: str, format_: str) -> None:
    log, out = logger(format_)
    log.warning(disguise)
    log.warning("got %s and %r", disguise, [disguise])
    say(log, {"asked": disguise})

    def fail() -> None:
        raise ValueError(disguise)

    def fail_ours() -> None:
        raise UpstreamBroken(disguise) from OSError(disguise)

    told = out.getvalue() + raised(fail, format_) + raised(fail_ours, format_)
    assert "canary" not in told
    assert "got " in told
    assert all(json.loads(line) for line in told.splitlines() if format_ == "json")


@given(st.text(), st.text(), st.text(st.characters(categories=["L", "N"]), min_size=8))
def test_a_known_secret_is_masked_in_any_surroundings(before: str, after: str, secret: str) -> None:
    told = redactor([Secret(secret)])(f"{before} {secret} {after}")
    assert secret not in told.replace(before, "").replace(after, "")


def test_a_short_secret_is_no_reason_to_mask_words() -> None:
    assert redactor([Secret("a"), Secret("")])("a plain line") == "a plain line"


def test_a_longer_secret_is_masked_before_one_that_it_contains() -> None:
    assert redactor([Secret("abcdefgh"), Secret("abcdefgh-more")])("abcdefgh-more") == "…"


def test_what_is_no_secret_stays() -> None:
    line = "served opus-4.6 for claude-opus-4-6 at https://www.notion.so in 0.5 s, cookies refused"
    assert redactor()(line) == line


# Exceptions


def test_an_exception_is_told_by_type_and_places_never_by_values() -> None:
    body = "what the user wrote"

    def fail() -> None:
        try:
            json.loads(body)
        except ValueError as exc:
            raise KeyError(body) from exc

    text = raised(fail, "text")
    assert "what the user wrote" not in text
    assert "  KeyError\n" in text
    assert "  JSONDecodeError\n" in text
    assert "/decoder.py:" in text  # the innermost place, whoever's it is
    (line,) = (json.loads(each) for each in raised(fail, "json").splitlines())
    assert [e["type"] for e in line["exception"]] == ["KeyError", "JSONDecodeError"]


def test_our_own_problems_and_the_systems_say_what_they_are() -> None:
    def fail() -> None:
        raise UpstreamBroken("the connection failed") from ConnectionResetError(104, "reset")

    text = raised(fail, "text")
    assert "  UpstreamBroken: the connection failed\n" in text
    assert "  ConnectionResetError: [Errno 104] reset\n" in text


def test_frames_of_ours_are_told_with_their_place_in_the_package() -> None:
    def fail() -> None:
        redactor([Secret("x" * 9), 3])  # type: ignore[list-item]

    assert "    notion_manager/redact.py:" in raised(fail, "text")


def test_a_group_and_a_suppressed_cause_are_told_as_python_means_them() -> None:
    def fail() -> None:
        try:
            Path("/no/such/hidden").stat()
        except OSError:
            raise ExceptionGroup("two", [UpstreamBroken("one"), KeyError("x")]) from None

    text = raised(fail, "text")
    assert "  ExceptionGroup\n" in text
    assert "  UpstreamBroken: one\n" in text
    assert "  KeyError\n" in text
    assert "hidden" not in text


def test_exceptions_that_cause_each_other_are_told_once() -> None:
    def fail() -> None:
        one, two = KeyError(), ValueError()
        one.__cause__, two.__cause__ = two, one
        raise one

    assert raised(fail, "text").count("KeyError") == 1


def test_a_report_is_the_same_for_people() -> None:
    assert report(UpstreamBroken("it broke")) == "UpstreamBroken: it broke"
    assert report(ValueError("what the user wrote")) == "ValueError"


def test_a_line_that_cannot_be_written_shows_no_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log, _ = logger()
    log.warning("%d", "hush")
    assert capsys.readouterr().err == "a log line could not be written: TypeError\n"


def test_a_closed_pipe_is_no_second_error(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    log, _ = logger(out=Broken())
    log.warning("hello")
    assert capsys.readouterr().err == ""


def test_other_libraries_are_heard_in_one_line_without_fields() -> None:
    log, out = logger(name="asyncio")
    log.error("Task exception was never retrieved\nfuture: %(x)s", {"x": "what the user wrote"})
    log.error("")
    assert out.getvalue()[28:].startswith("Task exception was never retrieved\n")
    assert "wrote" not in out.getvalue()


def test_text_for_a_terminal_may_keep_its_lines() -> None:
    assert visible("a\n\tb\x1b[2J\u202e", keep="\n\t") == "a\n\tb\\x1b[2J\\u202e"
