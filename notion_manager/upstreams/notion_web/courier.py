"""Brings the files of a turn into the thread that the turn will be asked in."""

import asyncio
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress

import aiohttp
from msgspec import Struct

from ...config import Config
from ...errors import BadRequest, RateLimited, StorageBroken, StorageTimeout, UpstreamBroken
from .account import Account
from .calls import ERROR_BODY, NETWORK, Calls, lost
from .failures import scrub
from .uploads import (
    Attached,
    Attachment,
    Outcome,
    Parcel,
    Ticket,
    ask_outcome,
    ask_task,
    ask_ticket,
    parse_outcome,
    parse_task,
    parse_ticket,
    shown,
    storage,
    stored_name,
)

TICKET = "getUploadFileUrlForAssistantChatTranscriptUpload"

AT_ONCE = 4
"""Files that are brought side by side."""

STORED = frozenset({200, 201, 204})
EXPIRED = 403  # the form's leave is over, or it lacks a field: a new ticket may mend both
PAUSES = (0.25, 0.5, 1.0)  # seconds before a task is looked at again; then 2 each
PAUSE = 2.0


class Courier(Struct, frozen=True):
    """One account's way of bringing files."""

    http: aiohttp.ClientSession
    account: Account
    config: Config
    calls: Calls
    ids: Iterator[str]

    async def ticket(self, parcel: Parcel, thread_id: str, *, create: bool = False) -> Ticket:
        """The leave to bring a file. It makes the thread where it is to `create` it.

        Then `thread_id` is a fresh one, and the service may choose another. Raises Problem.
        """
        name = stored_name(parcel, next(self.ids))
        body = ask_ticket(parcel, name, self.account, thread_id, create=create)
        return parse_ticket(await self.calls.read(TICKET, body), name, thread_id)

    async def deliver(self, parcels: Sequence[Parcel], ticket: Ticket) -> Attached:
        """All of them side by side, into the thread of the first one's `ticket`. Raises Problem."""
        first, *others = parcels
        thread_id, turns = ticket.thread_id, asyncio.Semaphore(AT_ONCE)

        async def bring(parcel: Parcel, ticket: Ticket | None = None) -> Attachment:
            async with turns:
                return await self._bring(parcel, thread_id, ticket)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(bring(first, ticket))]
                tasks += [group.create_task(bring(parcel)) for parcel in others]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        found = [task.result() for task in tasks]
        files = {parcel.data: each for parcel, each in zip(parcels, found, strict=True)}
        return Attached(thread_id, files)

    async def _bring(self, parcel: Parcel, thread_id: str, ticket: Ticket | None) -> Attachment:
        ticket = ticket or await self.ticket(parcel, thread_id)
        if not await self._store(parcel, ticket):
            ticket = await self.ticket(parcel, thread_id)
            if not await self._store(parcel, ticket):
                raise StorageBroken(f"Notion's file storage refused {parcel.name}")
        body = ask_task(ticket, self.account, thread_id)
        task = parse_task(await self.calls.read("enqueueTask", body))
        outcome = await self._outcome(task)
        if outcome and outcome.failed:
            why = scrub(outcome.why) or "it does not say why"
            raise BadRequest(f"Notion cannot read the file {parcel.name}: {why}", field=parcel.path)
        return shown(parcel, ticket.url, outcome)

    async def _store(self, parcel: Parcel, ticket: Ticket) -> bool:
        """Whether the storage took it. It is another host's: nothing of the account goes there."""
        try:
            async with (
                asyncio.timeout(self.config.timeouts.upload),
                self.http.post(
                    storage(ticket, self.config.notion.base_url),
                    data=_form(parcel, ticket),
                    headers=ticket.headers,
                    allow_redirects=False,
                    proxy=self.config.notion.proxy or None,
                ) as response,
            ):
                await response.content.read(ERROR_BODY)
                status = response.status
        except TimeoutError as exc:
            raise StorageTimeout("Notion's file storage did not accept the file in time") from exc
        except NETWORK as exc:
            raise StorageBroken(lost(exc, "Notion's file storage")) from exc
        if status not in STORED and status != EXPIRED:
            raise StorageBroken(f"Notion's file storage answered {status}")
        return status in STORED

    async def _outcome(self, task: str) -> Outcome | None:
        """None where the service takes too long: the file is there, only not described."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeouts.processing):
                for pause in _pauses():
                    await asyncio.sleep(pause)
                    if outcome := await self._look(task):
                        return outcome
        return None

    async def _look(self, task: str) -> Outcome | None:
        """A look that fails in passing is no outcome: the task goes on."""
        try:
            return parse_outcome(await self.calls.read("getTasks", ask_outcome(task)), task)
        except (UpstreamBroken, RateLimited):
            return None


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSE


def _form(parcel: Parcel, ticket: Ticket) -> aiohttp.FormData:
    """The bucket's own rule: all fields, and the file last."""
    form = aiohttp.FormData()
    for name, value in ticket.fields:
        form.add_field(name, value)
    form.add_field(
        "file", io.BytesIO(parcel.data), filename=ticket.name, content_type=parcel.media_type
    )
    return form
