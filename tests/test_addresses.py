"""Which URLs a stranger may make us ask for a file, and which not."""

import contextlib
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_manager.addresses import NotAllowed, fetchable, is_public


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.com/a.png",
        "https://files.example.com./a",
        "https://files.example.com:8443/a?b=c#d",
        "https://xn--bcher-kva.example/%C3%BC.pdf",
        "https://93.184.216.34/a.png",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/a.png",
        "HTTPS://Files.Example.com",
    ],
)
def test_a_plain_https_url_of_the_internet_may_be_fetched(url: str) -> None:
    assert fetchable(url).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/a",
        "ftp://files.example.com/a",
        "file:///etc/passwd",
        "https://",
        "https:///a",
        "https:/files.example.com/a",
        "https://:443/a",
        "https://files.example.com:0/",
        "https://files.example.com:99999/",
        "https://files.example.com:x/",
        "https://me@files.example.com/",
        "https://@files.example.com/",
        "https://[]@",
        "https://xn--/",
        "https://xn--zzzzz-999999999.example/",
        "https://files..example.com/",
        "https://.example.com/",
        "https://" + "a" * 64 + ".example.com/",
        "https://" + "a." * 127 + "example.com/",
        "https://f%69les.example.com/",
        "https://files.example.com@127.0.0.1/",
        "https://files.example.com\\@127.0.0.1/",
        "https://127.0.0.1\\.files.example.com/",
        "https://files.example.com/a b",
        "https://files.example.com/a\nHost: b",
        "https://files.example.com/\0",
        "https://ex\u3002ample.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://0x7f.0.0.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.0.0.1./",
        "https://0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/",
        "https://[fec0::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b::5db8:d822]/",
        "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://[ff02::1]/",
        "https://" + "a" * 3000,
    ],
)
def test_all_else_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        fetchable(url)


SPECIAL = (
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32",
    "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24",
    "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    "::1/128", "::/128", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128",
    "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28",
    "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16",
    "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip
"""IANA's registries of special purposes, with multicast and what embeds other addresses."""


@pytest.mark.parametrize("network", SPECIAL)
def test_no_address_of_a_special_purpose_is_a_public_one(network: str) -> None:
    ends = ip_network(network)[0], ip_network(network)[-1]
    assert not any(map(is_public, ends))
    if ends[0].version == 4:
        assert not any(is_public(ip_address(f"::ffff:{end}")) for end in ends)


@pytest.mark.parametrize(
    "address",
    [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.32.0.0",
        "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.169.0.0", "198.20.0.0",
        "223.255.255.255", "2001:200::", "2001:db7:ffff::1", "2003::", "2606:2800:220:1::1",
        "3ffe:ffff::1",
    ],
)  # fmt: skip
def test_the_addresses_beside_them_are(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_as_private_as_it_is(address: object) -> None:
    v4 = ip_address(str(address))
    assert is_public(ip_address(f"::ffff:{v4}")) == is_public(v4)
    assert not is_public(ip_address(f"64:ff9b::{v4}"))


HOSTS = st.text("xn-a1.%@:[]_ü", max_size=70)


@given(st.one_of(st.text(max_size=60), HOSTS, HOSTS.map("xn--{}".format)).map("https://{}".format))
def test_anything_is_refused_or_a_name_that_can_be_looked_up(url: str) -> None:
    with contextlib.suppress(NotAllowed):
        host = fetchable(url).host
        assert host
        assert host.encode("idna")
