"""Many clients, eight accounts, and a Notion that fails in every way it can: what becomes of it.

`python tests/chaos.py SECONDS [SEED]` runs the real daemon over the simulator, restarts it gently
and by kill -9, and prints what became of every request. It exits with 1 where one was lost, ended
without its end, was sent again after content, got another's answer, or a seat was leaked.
"""

import asyncio
import dataclasses
import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1]))

from notion_manager.simulator import SimAccount, Simulator
from notion_manager.standing import Standing
from notion_manager.store import Store
from tests.asking import APIS, Api
from tests.rig import account_of, someone

KEY = "nm-a-key-of-the-chaos-run"
ACCOUNTS = 8  # of which the last one never fails
CLIENTS = 200
GOES_ON = 0.7  # of what is asked: it belongs to a conversation
THREAD = "x-notion-manager-thread"
TRIED = "x-notion-manager-tried"
SPENT = "others retry_budget"
SHOWN = 5  # examples of each kind of wrong
PATIENCE = 60.0  # seconds until a request counts as lost
FAULTS = (
    "400", "400-empty", "401", "403", "403-ai", "429", "429=1", "500", "500-ai", "502", "502-cell", "503", "challenge",
    "html", "empty", "reset", "hang", "trust-rule-denied=start", "temporarily-unavailable=line",
    "quota-exhausted=start", "exhausted=start", "ai-not-enabled=start", "model-unavailable=start",
    "error=line", "error=append", "cut", "cut=lost", "truncate", "reset-text", "reset-text=lost", "handoff",
    "stall=lost", "stall=start", "blank", "linger", "think=0.3", "lost-patches", "chunks=byte", "noise", "404",
)  # fmt: skip
ITS_OWN = ("upstream_denied", "upstream_challenge", "upstream_rejected", "upstream_unavailable")
"""What is shown at once, and not tried elsewhere, or with one other account only."""

CONFIG = """
[pool]
concurrency = 60
queue = 1000
longest_rest = {rest}
[timeouts]
silence = 1.5
recovery = 3
commit_after = 0.5
ping_every = 0.5
shutdown = 5
[log]
level = "error"
"""


@dataclass
class Report:
    """What became of the requests, by kind; `bad` is what must not be."""

    kinds: Counter[str] = field(default_factory=Counter[str])
    codes: Counter[str] = field(default_factory=Counter[str])
    bad: Counter[str] = field(default_factory=Counter[str])
    first_content: dict[str, float] = field(default_factory=dict[str, float])
    examples: list[str] = field(default_factory=list[str])

    def wrong(self, kind: str, example: str) -> None:
        self.bad[kind] += 1
        self.examples.append(f"{kind}: {example}")

    def lines(self) -> str:
        counted = [f"{n:7}  {kind}" for kind, n in sorted(self.kinds.items())]
        counted += [f"{n:7}    of these: {code}" for code, n in sorted(self.codes.items())]
        return "\n".join([*counted, *(f"{n:7}  WRONG: {kind}" for kind, n in self.bad.items())])


@dataclass
class World:
    """The simulated Notion, the daemon before it, and what is known of both."""

    sim: Simulator
    upstream: str
    folder: Path
    port: int
    report: Report
    rest: float
    restarts: int = 0
    stops: int = 0
    down: bool = False
    over: bool = False
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def store(self) -> Path:
        return self.folder / "notion-manager" / "state.db"

    def environment(self) -> Mapping[str, str]:
        return os.environ | {
            "NOTION_MANAGER_CONFIG": str(self.folder / "config.toml"),
            "NOTION_MANAGER_STATE_DIR": str(self.store.parent),
            "NOTION_MANAGER_API_KEY": KEY,
            "NOTION_MANAGER_NOTION_BASE_URL": self.upstream,
            "NOTION_MANAGER_NOTION_PLAIN_HTTP": "true",
        }

    async def start(self) -> None:
        command = [sys.executable, "-m", "notion_manager", "serve", "--port", str(self.port)]
        with self.log.open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, env=self.environment(), stdout=asyncio.subprocess.DEVNULL, stderr=log
            )
        async with aiohttp.ClientSession() as http:
            for _ in range(400):
                if await self.healthy(http):
                    self.down = False
                    return
                await asyncio.sleep(0.05)
        raise RuntimeError("the daemon does not start")

    async def healthy(self, http: aiohttp.ClientSession) -> dict[str, int] | None:
        try:
            async with http.get(f"{self.url}/health") as r:
                return (await r.json())["pool"]
        except aiohttp.ClientError:
            return None

    async def stop(self, how: signal.Signals) -> None:
        """Gently, or not. What a client has under way when it is killed is nobody's fault."""
        if self.process is None:
            return
        self.down = True
        self.stops += 1
        self.restarts += how is signal.SIGKILL
        self.process.send_signal(how)
        await self.process.wait()


async def client(world: World, number: int, rng: random.Random) -> None:
    """Asks one thing after the other until it is over, and goes on with what was answered."""
    asked = 0
    said: list[str] = []  # the questions of a conversation, each answered by its own id
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http:
        while not world.over:
            asked += 1
            id = f"c{number}q{asked}x"
            said = said if rng.random() < GOES_ON else []
            api, stream = rng.choice(APIS), rng.random() < 0.7
            if await one(world, http, api, [*said, id], stream=stream):
                said.append(id)
            await asyncio.sleep(rng.random() * 0.2)


def conversation(api: Api, ids: Sequence[str], *, stream: bool) -> dict[str, Any]:
    """The newest question, and those before with their answers."""
    body = api.ask(question(ids[-1]), stream=stream)
    before = [
        {"role": role, "content": text}
        for id in ids[:-1]
        for role, text in (("user", question(id)), ("assistant", id))
    ]
    key = "input" if api.name == "responses" else "messages"
    newest = {"role": "user", "content": question(ids[-1])}
    return {**body, key: [*before, newest]} if before else body


def question(id: str) -> str:
    return f"[[sim:echo={id}]]"


async def one(
    world: World, http: aiohttp.ClientSession, api: Api, ids: Sequence[str], *, stream: bool
) -> bool:
    """One request; whether it was answered. It counts once its connection stands."""
    before, stops, report, id = world.restarts, world.stops, world.report, ids[-1]
    body = conversation(api, ids, stream=stream)
    try:
        async with asyncio.timeout(PATIENCE), http.post(world.url + api.path, json=body) as r:
            data = b""
            async for chunk in r.content.iter_any():
                data += chunk
                if stream and id not in report.first_content and _says(api, data):
                    report.first_content[id] = time.time()
            good = judge(report, api, id, r.status, data, stream=stream)
            report.kinds[f"thread {r.headers.get(THREAD, 'untold')}"] += good
            if stream and r.status != 200 and world.stops == stops and not world.down:
                _excused(report, api, id, data, r.headers.get(TRIED, ""))
            return good
    except aiohttp.ClientConnectorError:
        await asyncio.sleep(0.1)
    except (aiohttp.ClientError, TimeoutError) as exc:
        if world.restarts != before:
            report.kinds["cut by a kill"] += 1
        elif stream and isinstance(exc, aiohttp.ClientPayloadError):
            judge(report, api, id, 200, data, stream=True)
        elif world.down:
            report.kinds["refused while it stopped"] += 1
        else:
            report.wrong("lost", f"{api.name} {id} {exc!r}")
    return False


def judge(  # noqa: PLR0913 - what is known of one answer
    report: Report, api: Api, id: str, status: int, data: bytes, *, stream: bool
) -> bool:
    """Whether it is a good answer."""
    if status != 200:
        code = api.error(_json(data))[0]
        report.kinds["refused with a reason"] += 1
        report.codes[code] += 1
    elif not stream:
        return _answered(report, id, api.text(_json(data)))
    elif api.broken in data:
        report.kinds["failed in-band"] += 1
    elif api.last in data:
        return _answered(report, id, api.said(data))
    else:
        report.wrong("a stream without its end", f"{api.name} {id} {data[-200:]!r}")
    return False


def _says(api: Api, data: bytes) -> bool:
    """Whether the client has any of an answer's text, as far as whole frames came."""
    return bool(api.said(data[: data.rfind(b"\n\n") + 2]))


def _excused(report: Report, api: Api, id: str, data: bytes, tried: str) -> None:
    """One account is always well: before content, only what is shown at once may be refused.

    And what there may be no second try for, as there were so many.
    """
    code, message = api.error(_json(data))
    if tried.endswith(SPENT):
        report.kinds["refused, with enough second tries before"] += 1
    elif api.name != "messages" and code not in ITS_OWN:
        report.wrong("not answered, though an account was well", f"{id} {code} {message}")


def _answered(report: Report, id: str, text: str) -> bool:
    report.kinds["answered"] += 1
    if text != id:
        report.wrong("another's answer", f"{id}: {text[:100]!r}")
    return text == id


def _json(data: bytes) -> dict[str, object]:
    import orjson  # noqa: PLC0415 - here alone

    return orjson.loads(data)


async def misfortune(world: World, people: list[SimAccount], rng: random.Random) -> None:
    """Accounts that fail and recover, in an order of chance; the last one is spared."""
    while not world.over:
        await asyncio.sleep(rng.random() * 0.1)
        number = rng.randrange(ACCOUNTS - 1)
        words = rng.choice(["", f"{rng.choice(FAULTS)} fail={rng.randint(1, 5)}"])
        world.sim.admit(dataclasses.replace(people[number], scenario=words))


async def operator(world: World) -> None:
    """Takes retired accounts back, as `accounts check` does."""
    while not world.over:
        await asyncio.sleep(1)
        await asyncio.to_thread(_take_back, world.store)


def _take_back(path: Path) -> None:
    with Store(path) as store:
        for standing in store.standings():
            if standing.retired or standing.careful:
                store.save_standings(Standing(standing.name))


async def restarts(world: World, seconds: float) -> None:
    """One gentle, one not, at a third and two thirds of the time."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        await asyncio.sleep(seconds / 3)
        await world.stop(how)
        await world.start()


@asynccontextmanager
async def world_of(people: list[SimAccount], seed: int, rest: float) -> AsyncGenerator[World]:
    sim = Simulator(seed, accounts=people, pace=0.002)
    with TemporaryDirectory(prefix="notion-manager-chaos-") as name:
        async with sim.running() as upstream:
            world = World(sim, upstream, Path(name), _free_port(), Report(), rest)
            (world.folder / "config.toml").write_text(CONFIG.format(rest=rest))
            with Store(world.store) as store:
                for number, who in enumerate(people):
                    store.put_account(account_of(who, f"a{number}"))
            await world.start()
            try:
                yield world
            finally:
                await world.stop(signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def run(seconds: float, seed: int, clients: int = CLIENTS, *, kill: bool = True) -> Report:
    rng = random.Random(seed)  # noqa: S311 - the same again with the same seed
    people = [someone(number) for number in range(1, ACCOUNTS + 1)]
    async with world_of(people, seed, rest=1) as world:
        asking = [
            asyncio.create_task(client(world, n, random.Random(seed + n)))  # noqa: S311
            for n in range(clients)
        ]
        fate = [
            asyncio.create_task(misfortune(world, people, rng)),
            asyncio.create_task(operator(world)),
        ]
        if kill:
            fate.append(asyncio.create_task(restarts(world, seconds)))
        await asyncio.sleep(seconds)
        world.over = True
        await asyncio.gather(*asking, *fate)
        await _settled(world)
        _look_for_duplicates(world)
        _look_for_faults_of_ours(world)
        return world.report


async def _settled(world: World) -> None:
    """Once nobody asks, no seat is taken."""
    async with aiohttp.ClientSession() as http:
        for _ in range(100):
            pool = await world.healthy(http)
            if pool and not pool["answering"] and not pool["waiting"]:
                return
            await asyncio.sleep(0.05)
        world.report.wrong("seats leaked", repr(pool))


def _look_for_duplicates(world: World) -> None:
    """No turn was begun for a question of which its client had content already."""
    for thread in world.sim.threads.values():
        said = [s for s in thread.steps.values() if s.get("type") == "user"]
        newest = {
            step["createdAt"]: _id(step) for step in said
        }  # of each turn: the rest is history
        for when, id in newest.items():
            begun = datetime.fromisoformat(when).timestamp()
            if begun > world.report.first_content.get(id, float("inf")) + 0.05:
                world.report.wrong("sent again after content", id)
        if len({_id(step).partition("q")[0] for step in said}) > 1:
            world.report.wrong("two conversations in one thread", ", ".join(map(_id, said)))


def _id(step: Mapping[str, Any]) -> str:
    return str(step.get("value")).partition("[[sim:echo=")[2].partition("]]")[0]


def _look_for_faults_of_ours(world: World) -> None:
    for line in world.log.read_text().splitlines():
        if "Traceback" in line or '"error"' in line:
            world.report.wrong("an error in the log", line[:1500])


def main(seconds: float, seed: int) -> int:
    print(f"seed {seed}")  # noqa: T201 - for the person who reads it
    report = asyncio.run(run(seconds, seed))
    print(report.lines())  # noqa: T201
    seen = Counter[str]()
    for example in report.examples:
        kind = example.partition(":")[0]
        seen[kind] += 1
        if seen[kind] <= SHOWN:
            print(example)  # noqa: T201
    return 1 if report.bad or not report.kinds["answered"] else 0


if __name__ == "__main__":
    given = [*sys.argv[1:], str(random.randrange(2**32))]  # noqa: S311
    sys.exit(main(float(given[0]), int(given[1])))
