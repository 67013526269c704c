"""The benchmark itself: its judgement, its fake upstream, and one short run of everything."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from notion_manager.tokens import of_exchange
from notion_manager.turn import Done, Message, Text, Turn, fold
from notion_manager.upstreams.notion_web.stream import Decoder

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its programs import each other by their bare names, as scripts in one folder do."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_the_fake_answers_with_a_complete_stream_of_exactly_its_chunks() -> None:
    import answers  # noqa: PLC0415 - see the fixture

    answer = answers.Answer(answers.Plan(chunks=30))
    turn = Turn("", (Message("user", (Text("hello"),)),))
    decoder = Decoder(lambda pieces: of_exchange(turn, pieces))
    events = decoder.feed(answer.head + b"".join(answer.lines) + answer.tail)
    reply = fold([*events, *decoder.finish()])
    assert reply.parts == (Text("".join(answers.chunk(n, 24) for n in range(30))),)
    assert reply.done == Done(reply.done.stop, reply.done.usage, served=answers.CODENAME)
    assert not reply.done.usage.estimated
    assert not decoder.drift


def round_of(floor: float, ours: float) -> dict[str, float]:
    return {"floor fresh start": floor, "ours fresh start": ours}


def test_a_ratio_is_taken_inside_a_round_and_then_the_median_counts() -> None:
    import goals  # noqa: PLC0415

    row = goals.Row("start", goals.SECONDS, lambda r, who: r[f"{who} fresh start"], goals.Ratio(2))
    verdict = goals.judge(row, [round_of(1, 1.5), round_of(4, 7.6), round_of(1, 9)])
    assert verdict.ratio == goals.Spread(1.9, 1.5, 9)
    assert verdict.holds
    assert not goals.judge(row, [round_of(1, 2.1)]).holds


def test_some_figures_must_hold_in_every_round() -> None:
    import goals  # noqa: PLC0415

    rounds = [round_of(1, 1), round_of(1, 1), round_of(1, 3)]
    holds = {
        kind: goals.judge(
            goals.Row("start", goals.SECONDS, lambda r, who: r[f"{who} fresh start"], kind(2)),
            rounds,
        ).holds
        for kind in (goals.Limit, goals.Always)
    }
    assert holds == {goals.Limit: True, goals.Always: False}


def test_lost_answers_of_all_trials_are_added_up() -> None:
    import goals  # noqa: PLC0415

    (row,) = (row for row in goals.ROWS if row.label == "answers lost")
    each = {"ours burst.chat lost": 2.0, "ours fresh lost": 1.0, "floor fresh lost": 0.0}
    verdict = goals.judge(row, [each])
    assert (verdict.ours.most, verdict.floor.most, verdict.holds) == (3, 0, False)


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 Oops"),
        (b"%b5\r\n~ ~ \n\r\n0\r\n\r\n", "a stream without its last frame"),
        (b"%bf\r\n~ message_stop\n\r\n0\r\n\r\n", "chunks are missing"),
        (b"%b5\r\n~ ~ \n\r\n", "the connection broke"),
        (b"%b11\r\n~ ~ message_stop\n\r\n0\r\n\r\n", None),
    ],
)
async def test_only_a_complete_answer_counts(body: bytes, lost: str | None) -> None:
    import load  # noqa: PLC0415

    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(body.replace(b"%b", head))
        writer.close()

    server = await asyncio.start_server(answer, load.HOST)
    async with server:
        target = load.Target("ours", server.sockets[0].getsockname()[1], os.getpid())
        outcome = await load.spread(target, load.Ask(load.MESSAGES, chunks=2), 1, 0)
    assert dict(outcome.lost) == ({lost: 1} if lost else {})
    assert outcome.answered == (not lost)


def test_figures_replace_what_stands_between_the_marks(tmp_path: Path) -> None:
    import report  # noqa: PLC0415

    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put(page, "new")
    report.put(page, "newer")
    assert page.read_text() == f"before\n{report.BEGIN}\n\nnewer\n\n{report.END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="figures"):
        report.put(page, "new")


def test_the_page_of_the_project_has_a_place_for_figures() -> None:
    import report  # noqa: PLC0415

    text = (BENCHMARKS.parent / "docs" / "performance.md").read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="figures come from /proc")
def test_a_short_run_measures_everything_and_loses_nothing(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    command = [sys.executable, BENCHMARKS / "run.py", "--quick", "--json", found]
    subprocess.run(command, check=True, timeout=120, capture_output=True)  # noqa: S603 - our own
    (figures,) = json.loads(found.read_text())["rounds"]
    assert {v for name, v in figures.items() if name.endswith(" lost")} == {0}
    hangups = {k: v for k, v in figures.items() if " hangup." in k}
    assert len(hangups) == 8
    assert all(seconds < 5 for seconds in hangups.values())
