# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.settings.listen import ListenAddress, parse_listen, parse_proxy_listen


def test_addresses_are_written_as_kong_writes_them() -> None:
    text = "0.0.0.0:8000 reuseport backlog=16384, [::1]:8443 http2 ssl"
    assert parse_listen(text) == (
        ListenAddress("0.0.0.0", 8000, backlog=16384, flags=("reuseport",)),
        ListenAddress("::1", 8443, ssl=True, flags=("http2",)),
    )


def test_off_listens_nowhere() -> None:
    assert parse_listen("off") == ()


def test_an_address_reads_as_it_is_written() -> None:
    assert [str(one) for one in parse_listen("[::1]:1 ssl, a:2")] == ["[::1]:1 ssl", "a:2"]
    behind = "[::1]:1 ssl proxy_protocol, a:2 proxy_protocol"
    assert ", ".join(str(one) for one in parse_proxy_listen(behind)) == behind


def test_a_load_balancer_is_in_front_of_the_proxy_only() -> None:
    (found,) = parse_proxy_listen("a:1 proxy_protocol reuseport")
    assert (found.proxy_protocol, found.flags) == (True, ("reuseport",))
    with pytest.raises(ValueError, match="proxy_protocol is for proxy_listen only"):
        parse_listen("a:1 proxy_protocol")


@pytest.mark.parametrize(
    "text", ["8000", "host", "a:99999", "a:1 tls", "", "a:1 proxy_protocol", "a:1 backlog=x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_listen(text)
