"""One account's conversations with Notion's web API."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace as evolve
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

import aiohttp
from msgspec.structs import replace
from yarl import URL

from ...alarms import Alarms
from ...allowance import Allowance
from ...config import Config
from ...errors import (
    AccountRefused,
    Problem,
    Unexplained,
    UpstreamBroken,
    UpstreamTimeout,
    WorkspaceRefused,
)
from ...models import RESEARCH, RESEARCHERS, Model
from ...tokens import of_exchange
from ...turn import Turn
from .. import Since
from .account import Account
from .calls import HTTP_OK, Calls, read_login, refusal
from .catalogue import parse_catalogue
from .courier import Courier
from .headers import endpoint, headers
from .housekeeping import ask_deletion
from .quota import READS, merged
from .recovery import Recovery
from .reply import LEASE, Asked, Reply
from .stream import Decoder
from .transcript import Anchor, anchor_of, begin, check, newest, probe, request, research
from .uploads import Attached, Parcel, parcels, present

T = TypeVar("T")
DRAWN = 64
DOUBTFUL = (WorkspaceRefused, Unexplained)
"""What is believed only after a look at the login."""


class Ledger(Protocol):
    """Is told of the threads that accounts use, by their identities. Times are Unix seconds."""

    async def begin(self, account: str, thread_id: str, until: float) -> None:
        """A turn is about to be sent there; it may go on `until` then."""
        ...

    def end(self, account: str, thread_id: str, until: float) -> None:
        """The turn is over, or goes on `until` then and nobody hears it."""
        ...

    def drop(self, thread_id: str) -> None:
        """The thread was never made."""
        ...


class NotionWeb:
    """One account, able to answer. Raises only Problem."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        account: Account,
        config: Config,
        ledger: Ledger | None = None,
    ) -> None:
        self._ledger = ledger
        self._http = http
        self._account = account
        self.identity = account.identity
        self._config = config
        self._patient = evolve(config.timeouts, silence=config.timeouts.research)
        self._alarms = Alarms()
        self._ids = _ids()
        self._inference = URL(endpoint(config.notion, "runInferenceTranscript"))
        reading = headers(account, config.notion, accept="application/json")
        asking = headers(account, config.notion, accept="application/x-ndjson")
        self._reading = Calls(http, config, reading)
        self._asking = Calls(http, config, asking)
        self._courier = Courier(http, account, config, self._reading, self._ids)
        self._recovery = Recovery(self._reading, account, config.timeouts.recovery)

    async def models(self) -> Sequence[Model]:
        """The live catalogue. A free read."""
        try:
            found = await self._reading.read("getAvailableModels", probe(self._account))
        except DOUBTFUL as said:
            raise await self._checked(said) from said
        return [*parse_catalogue(found), *RESEARCHERS]

    async def allowance(self) -> Allowance:
        """Three free reads at once; the last one, of paid plans' windows, may fail."""
        try:
            eligibility, second, status = await asyncio.gather(
                self._quota(READS[0]), self._quota(READS[1]), self._windows()
            )
        except DOUBTFUL as said:
            raise await self._checked(said) from said
        return merged(eligibility, second, status, time.time())

    async def _quota(self, name: str) -> bytes:
        return await self._reading.read(name, probe(self._account))

    async def _windows(self) -> bytes | None:
        try:
            return await self._quota(READS[2])
        except AccountRefused:
            raise
        except Problem:
            return None

    async def _checked(self, said: Problem) -> Problem:
        """What the login tells of a refusal: the workspace may be the account's all the same.

        One that is refused without a word either is that of a dead token (wire sheet, 10.3).
        """
        if type(said) not in DOUBTFUL:
            return said
        mine = self._account
        try:
            found = await read_login(self._http, self._config, mine.token_v2, mine.user_id)
        except AccountRefused as dead:
            return dead
        except Unexplained as dead:
            return AccountRefused(str(dead)) if isinstance(said, Unexplained) else said
        except Problem:
            return said
        if isinstance(said, WorkspaceRefused):
            said.listed = any(w.id == mine.space_id and w.ai is not False for w in found.workspaces)
        return said

    async def since(self, bookmark: str) -> Since:
        """What came to a thread after that was given for it."""
        anchor = anchor_of(bookmark)
        thread = await self._recovery.settled(anchor.thread)
        return thread.since(anchor.last)

    async def forget(self, threads: Sequence[str]) -> None:
        """Delete conversations, as the person could: they leave the list of chats."""
        body = ask_deletion(threads, self._account, self._ids)
        await self._reading.read("saveTransactionsFanout", body)

    def open(self, turn: Turn) -> Reply:
        """Entered, the turn is sent; gives batches. Leaving early closes the connection."""
        decoder = Decoder(partial(of_exchange, turn), turn.verbatim, turn.citations or "inline")
        timeouts = self._config.timeouts
        if turn.model in RESEARCH:
            look = partial(self._look_into, turn)
            return Reply(look, decoder, self._patient, self._alarms, self._left)
        return Reply(partial(self._ask, turn), decoder, timeouts, self._alarms, self._left)

    def _left(self, thread_id: str, left: float) -> None:
        """A thread was used, and a turn in it may go on for `left` seconds."""
        if self._ledger is not None:
            self._ledger.end(self.identity, thread_id, time.time() + left)

    async def _sent(self, thread_id: str, send: Callable[[], Awaitable[T]], *, made: bool) -> T:
        """What comes of sending to a thread, which is `made` already or by what is sent.

        What is refused leaves nothing; of what breaks off nobody knows whether it goes on.
        """
        try:
            if self._ledger is not None:
                await self._ledger.begin(self.identity, thread_id, time.time() + LEASE)
            return await send()
        except BaseException as exc:
            refused = isinstance(exc, Problem) and not isinstance(exc, UpstreamBroken)
            if refused and not made and self._ledger is not None:
                self._ledger.drop(thread_id)
            else:
                self._left(thread_id, 0.0 if refused else LEASE)
            raise

    async def _ask(self, turn: Turn) -> Asked:
        """The files of the turn are brought first, into the thread that it is then asked in."""
        known = anchor_of(turn.bookmark) if turn.bookmark else None
        asked = turn if known is None else newest(turn)
        attached = await self._attached(turn, asked, known)
        thread_id = next(self._ids) if attached is None else attached.thread_id
        now = datetime.now(UTC)
        anchor = known or begin(
            self._account, thread_id, ids=self._ids, now=now, made=attached is not None
        )
        trace = next(self._ids)
        body = request(
            asked,
            self._account,
            anchor,
            trace,
            ids=self._ids,
            now=now,
            continued=known is not None,
            attached=attached,
        )
        send = partial(self._posted, body, self._config.timeouts.silence)
        made = known is not None or attached is not None
        response = await self._sent(anchor.thread, send, made=made)
        asked_there = replace(anchor, last=trace)
        return Asked(response, asked_there, partial(self._recovery.steps, anchor.thread, trace))

    async def _look_into(self, turn: Turn) -> Asked:
        body = research(turn, self._account, ids=self._ids, now=datetime.now(UTC))
        return Asked(await self._posted(body, self._patient.silence))

    async def _posted(self, body: bytes, patience: float) -> aiohttp.ClientResponse:
        """Raises the Problem that another status than 200, or none in time, tells of."""
        try:
            with self._alarms.within(patience):
                return await self._begun(body)
        except TimeoutError as exc:
            raise UpstreamTimeout("Notion went silent") from exc

    async def _begun(self, body: bytes) -> aiohttp.ClientResponse:
        response = await self._asking.post(self._inference, body)
        if response.status == HTTP_OK:
            return response
        try:
            raise await self._checked(await refusal(response))
        finally:
            response.close()

    async def _attached(self, turn: Turn, asked: Turn, known: Anchor | None) -> Attached | None:
        """The files of what is `asked`. Each is brought that the thread does not have yet."""
        there = present(turn, asked)
        new = {parcel.data for parcel in parcels(asked)} - there.keys()
        sent = [parcel for parcel in parcels(turn) if parcel.data in new]  # numbered as all are
        thread_id = next(self._ids) if known is None else known.thread
        if not sent:
            return Attached(thread_id, there) if there else None
        check(asked, {*there, *new})
        brought = await self._brought(sent, thread_id, create=known is None)
        return Attached(brought.thread_id, {**there, **brought.files})

    async def _brought(
        self, parcels: Sequence[Parcel], thread_id: str, *, create: bool
    ) -> Attached:
        """The leave for the first file makes the thread, and the service may choose another."""
        try:
            ask = partial(self._courier.ticket, parcels[0], thread_id, create=create)
            ticket = await self._sent(thread_id, ask, made=not create)
            if ticket.thread_id != thread_id and self._ledger is not None:
                self._ledger.drop(thread_id)
            deliver = partial(self._courier.deliver, parcels, ticket)
            return await self._sent(ticket.thread_id, deliver, made=True)
        except DOUBTFUL as said:
            raise await self._checked(said) from said


def _ids() -> Iterator[str]:
    """Random UUIDs of version 4; one draw of randomness makes several."""
    while True:
        drawn = os.urandom(16 * DRAWN).hex()
        for at in range(0, len(drawn), 32):
            x = drawn[at : at + 32]
            yield f"{x[:8]}-{x[8:12]}-4{x[13:16]}-{_VARIANTS[x[16]]}{x[17:20]}-{x[20:]}"


_VARIANTS = {f"{n:x}": "89ab"[n % 4] for n in range(16)}
