# SPDX-License-Identifier: Apache-2.0
"""Which network of an address is one client."""

from __future__ import annotations

import pytest

from gateway.plugins.limiting.origins import address_of


@pytest.mark.parametrize(
    ("text", "prefix", "origin"),
    [
        ("10.0.0.1", 64, "10.0.0.1"),
        ("2001:db8::1:2:3:4", 64, "2001:db8::/64"),
        ("2001:db8:0:1::1", 48, "2001:db8::/48"),
        ("fe80::1%eth0", 128, "fe80::1/128"),
        ("::ffff:10.0.0.1", 64, "10.0.0.1"),
        # RFC 6052: an IPv4 client before a translator.
        ("64:ff9b::a00:1", 64, "10.0.0.1"),
        ("no:address", 64, "no:address"),
    ],
)
def test_an_address_is_its_network(text: str, prefix: int, origin: str) -> None:
    assert address_of(text, prefix) == origin
