"""The way to a seat: at once where one is free, else through a queue that is short and fair."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from .errors import Busy, Full, NoAccount, Problem
from .lanes import Lanes
from .pool import Pool
from .seating import ANY, Wish

MEASURED = 0.2  # the share that the latest answer has in the usual time of one
GUESS = 10.0  # seconds that an answer takes, before any was seen
LEAST_WAIT = 1.0  # seconds


class Rules(Struct, frozen=True):
    """How long a request may wait, in seconds: for a seat that others have, or for one that rests.

    `most` is how many may wait at once. `home_wait` is how long a conversation waits for the
    account that has it, while others have seats.
    """

    most: int = 100
    patience: float = 120.0
    rest: float = 10.0
    home_wait: float = 0.0


class Place(Struct, frozen=True):
    """Who waits: a key's holder, in a conversation, with a small question or a large one."""

    asker: str = ""
    conversation: str = ""
    small: bool = False

    @property
    def path(self) -> tuple[str, str, bool]:
        return self.asker, self.conversation, self.small


class Seat(Struct, frozen=True):
    """An account's promise to answer one turn, from `since` on until it is left, by a timer.

    `waited` is how many seconds it took to get.
    """

    name: str
    since: float
    waited: float = 0.0


class _Waiter(Struct, eq=False):
    """Until `faithful`, by the timer, it waits for a seat at home alone."""

    place: Place
    wish: Wish
    faithful: float
    seated: asyncio.Future[Seat]


class Admission:
    """Seats of a pool. Whoever takes one leaves it; who is cancelled while he waits takes none.

    Rests end by the `clock`; how long somebody waits is told by the `timer`, which nobody sets.
    """

    def __init__(
        self,
        pool: Pool,
        rules: Rules = Rules(),
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.pool = pool
        self._rules = rules
        self._clock = clock
        self._timer = timer
        self._sleep = sleep
        self._lanes: Lanes[_Waiter] = Lanes()
        self._usual = GUESS
        self.waiting = 0
        pool.watch(self._serve)

    async def take(self, place: Callable[[], Place], wish: Wish = ANY) -> Seat:
        """Raises Busy with the seconds until it is worth to ask again, or NoAccount.

        `place` is asked for only where one must wait. The seat is one at home if there is any, or
        will be soon. Whoever waits comes first; he may wait for a model that only accounts without
        a seat have.
        """
        self._serve()
        faithful = self._faithful() if self._may_wait_for_home(wish) else 0.0
        try:
            if not faithful:
                return self._pick(wish)
        except Busy as refusal:
            if not self._worth_waiting(refusal):
                if isinstance(refusal, Full):
                    refusal.retry_after = self._until_free(self.waiting)
                raise
        if self.waiting >= self._rules.most:
            wait = self._until_free(self.waiting)
            raise Busy(f"{self.waiting} requests wait already", retry_after=wait)
        seated = asyncio.get_running_loop().create_future()
        return await self._wait(_Waiter(place(), wish, faithful, seated))

    def leave(self, seat: Seat) -> None:
        """Whoever waits for it gets it at once."""
        held = self._timer() - seat.since
        self._usual += MEASURED * (held - self._usual)
        self.pool.release(seat.name)

    def _pick(self, wish: Wish) -> Seat:
        return Seat(self.pool.pick(self._clock(), wish), self._timer())

    def _may_wait_for_home(self, wish: Wish) -> bool:
        """Whether there is no more in the way than that others have its seats."""
        there_is_room = self._rules.home_wait > 0 and self.waiting < self._rules.most
        return there_is_room and self._home_is_full(wish)

    def _faithful(self) -> float:
        return self._timer() + min(self._rules.home_wait, self._rules.patience)

    def _home_is_full(self, wish: Wish) -> bool:
        return self.pool.home_is_full(self._clock(), wish)

    def _worth_waiting(self, refusal: Busy) -> bool:
        if isinstance(refusal, Full):
            return self._rules.most > 0
        return (refusal.retry_after or 0.0) <= self._rules.rest

    async def _wait(self, waiter: _Waiter) -> Seat:
        began = self._timer()
        self._lanes.add(waiter.place.path, waiter)
        self.waiting += 1
        try:
            await self._seated(waiter)
        except BaseException:
            with suppress(asyncio.InvalidStateError, asyncio.CancelledError, Problem):
                self.pool.release(waiter.seated.result().name)  # it came too late
            raise
        finally:
            self._forget(waiter)
        seat = waiter.seated.result()
        return replace(seat, waited=seat.since - began)

    async def _seated(self, waiter: _Waiter) -> None:
        """Until a seat is free for it. Raises Busy where that takes too long."""
        deadline = self._timer() + self._rules.patience
        while True:
            now = self._timer()
            due = self.pool.rest(self._clock())  # before the look: one may end between the two
            self._serve()
            if waiter.seated.done():
                return
            if now >= deadline:
                raise self._too_late()
            times = [deadline - now, due, waiter.faithful - now]
            await self._slept(waiter.seated, min(each for each in times if each and each > 0))

    async def _slept(self, seated: asyncio.Future[Seat], seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait({seated, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()

    def _forget(self, waiter: _Waiter) -> None:
        """However it ended, it waits no more."""
        if not waiter.seated.done():
            waiter.seated.cancel()
            self._lanes.discard(waiter.place.path, waiter)
            self.waiting -= 1

    def _serve(self) -> None:
        """Give what seats there are to those whose turn it is."""
        if not self.waiting:
            return
        hopeless = set[str]()  # models: who waits for another may have more luck
        while waiter := self._lanes.first(lambda one: self._may_serve(one, hopeless)):
            if not self._serve_one(waiter):
                hopeless.add(waiter.wish.model)

    def _may_serve(self, waiter: _Waiter, hopeless: Collection[str]) -> bool:
        if waiter.wish.model in hopeless:
            return False
        return waiter.faithful <= self._timer() or not self._home_is_full(waiter.wish)

    def _serve_one(self, waiter: _Waiter) -> bool:
        """Whether he waits no more."""
        try:
            waiter.seated.set_result(self._pick(waiter.wish))
        except Full:
            return False
        except (Busy, NoAccount) as refusal:
            if isinstance(refusal, Busy) and self._worth_waiting(refusal):
                return False
            waiter.seated.set_exception(refusal)
        self._lanes.take(waiter.place.path, waiter)
        self.waiting -= 1
        return True

    def _too_late(self) -> Busy:
        told = f"no account was free for {self._rules.patience:.0f} s"
        return Busy(told, retry_after=self._until_free(self.waiting - 1))  # he himself waits yet

    def _until_free(self, others: int) -> float:
        """Seconds until all others who wait may be through, as answers usually take."""
        seats = max(1, self.pool.seats())
        return max(LEAST_WAIT, round(self._usual * (others + 1) / seats))
