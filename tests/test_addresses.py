"""Which URLs a stranger may make us ask for a file, and which not."""

import contextlib
from ipaddress import ip_address

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
