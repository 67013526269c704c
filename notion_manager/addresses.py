"""Which addresses may be asked for a file that a stranger's request points at."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from yarl import URL

_PLAIN = re.compile(r"[!-\[\]-~]{1,2048}")  # printable ASCII without a blank and a backslash
_USER = re.compile(r"[^/?#]*//[^/?#]*@")
_NAME = re.compile(r"(?=.{1,253}\.?$)(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9-]{0,62}\.?")
_EXPECTED = "expected a plain https URL, with anything unusual in it percent-encoded"
_EMBEDDING = tuple(
    map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
)
"""Networks whose addresses stand for others: NAT64, 6to4, Teredo, and what came before them."""


class NotAllowed(ValueError):
    """The message says why, and what to do."""


def fetchable(text: str) -> URL:
    """The one reading of a URL that all else goes by. Raises NotAllowed.

    Nothing that different programs read differently is taken: a host of digits may be octal, a
    backslash a slash, and what stands before an `@` the host.
    """
    if not _PLAIN.fullmatch(text):
        raise NotAllowed(_EXPECTED)
    if _USER.match(text):
        raise NotAllowed("a URL with a user name in it is not fetched")
    try:
        url = URL(text)
        complete = url.port and url.host  # one in punycode is read only here
    except ValueError:
        raise NotAllowed(_EXPECTED) from None
    if not complete:
        raise NotAllowed(_EXPECTED)
    if url.scheme != "https":
        raise NotAllowed("only https URLs are fetched")
    _check_host(url.raw_host or "")
    return url


def _check_host(host: str) -> None:
    """A name, or an address in its usual spelling."""
    try:
        address = ip_address(host)
    except ValueError:
        if not _NAME.fullmatch(host):
            raise NotAllowed("its host is neither a name nor a plain address") from None
        return
    if not is_public(address):
        raise NotAllowed("its address is private")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it can only be somebody's on the internet, whatever way it is spelt."""
    if isinstance(address, IPv6Address):
        if (mapped := address.ipv4_mapped) is not None:
            return is_public(mapped)
        if any(address in network for network in _EMBEDDING):
            return False
        if address.is_site_local or address.scope_id:
            return False
    return address.is_global and not address.is_multicast
