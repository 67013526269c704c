"""Which addresses may be asked for a file that a stranger's request points at."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

_PLAIN = re.compile(r"[!-\[\]-~]{1,2048}")  # printable ASCII without a blank and a backslash
_USER = re.compile(r"[^/?#]*//[^/?#]*@")
_NAME = re.compile(r"(?=.{1,253}\.?$)(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9-]{0,62}\.?")
_EXPECTED = "expected a plain https URL, with anything unusual in it percent-encoded"
_SPECIAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)  # fmt: skip
"""IANA's registries of special purposes, and multicast; the library's own list is another in each
version of Python. What is global there is a service of the network that one is in, such as its
port control, or stands for other addresses (6to4, Teredo)."""
_NETWORKS = tuple(map(ip_network, _SPECIAL))
_UNICAST = IPv6Network("2000::/3")
"""All that was given out. NAT64, and what embeds addresses otherwise, is outside."""


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
        if address.scope_id:
            return False
        if (mapped := address.ipv4_mapped) is not None:
            return is_public(mapped)
        if address not in _UNICAST:
            return False
    return not any(address in network for network in _NETWORKS)
