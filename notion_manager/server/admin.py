"""The pages about the accounts, for whoever runs the server: with a key of their own, from here."""

import time
from dataclasses import dataclass

from aiohttp import web

from .. import explanations
from ..errors import Forbidden, NotFound
from ..explanations import Offers, spelled
from ..gateway import Gateway
from ..journal import Journal
from .guard import is_loopback
from .replies import as_json

ADMIN = "/admin/"
ACCOUNTS = "/admin/accounts"
REQUESTS = "/admin/requests/"  # and then an id
_ON_BEHALF = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@dataclass(frozen=True, slots=True)
class Admin:
    """What the accounts are like as the running server sees them, and why a request went so."""

    gateway: Gateway
    journal: Journal

    async def accounts(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every account's verdict; with `?model=`, of a request that asks for it."""
        gateway, asked = self.gateway, request.query.get("model", "")
        offers = Offers(gateway.habits.naming, gateway.catalogues.at_hand())
        return as_json(spelled(explanations.now(gateway.pool, time.time(), asked, offers)))

    async def request(self, request: web.BaseRequest) -> web.StreamResponse:
        """Raises NotFound where the request is not known, or not any more."""
        id, gateway = request.path.removeprefix(REQUESTS), self.gateway
        found = explanations.past(self.journal, gateway.pool, id, gateway.habits.naming)
        if found is None:
            raise NotFound("no request with that id is remembered; take the id from `x-request-id`")
        return as_json(spelled(found))


def check_near(request: web.BaseRequest) -> None:
    """Raises Forbidden for whoever is not on this machine, or speaks for somebody else."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer or not is_loopback(str(peer[0])):
        raise Forbidden("the admin pages serve this machine only")
    if any(name in request.headers for name in (*_ON_BEHALF, "Origin")):
        raise Forbidden("the admin pages do not serve proxies or web pages")
