"""What anybody may see: that the process lives, how the pool is, and what this is."""

import time
from dataclasses import dataclass, field

from aiohttp import web

from .. import __version__
from ..admission import Admission
from ..translators import TRANSLATORS
from .replies import as_json
from .underway import Underway


@dataclass(frozen=True, slots=True)
class Pages:
    """No account is named here: these pages need no key."""

    admission: Admission
    underway: Underway
    simulated: bool = False
    began: float = field(default_factory=time.monotonic)

    async def health(self, request: web.BaseRequest) -> web.StreamResponse:
        """200 as long as the process takes requests; the pool's state stands apart."""
        pool = self.admission.pool
        accounts = len(pool.standings)
        ready = pool.ready(time.time())
        stopping = self.underway.stopping
        return as_json(
            {
                "status": "stopping" if stopping else "ok",
                "version": __version__,
                "uptime_seconds": round(time.monotonic() - self.began, 1),
                "simulated": self.simulated,
                "pool": {
                    "status": "ok" if ready else "empty" if not accounts else "resting",
                    "accounts": accounts,
                    "ready": ready,
                    "answering": sum(s.busy for s in pool.standings.values()),
                    "waiting": self.admission.waiting,
                },
            },
            503 if stopping else 200,
        )

    async def index(self, request: web.BaseRequest) -> web.StreamResponse:
        return as_json(
            {
                "name": "notion-manager",
                "version": __version__,
                "apis": [*(t.path for t in TRANSLATORS), "/v1/models"],
                "health": "/health",
            }
        )
