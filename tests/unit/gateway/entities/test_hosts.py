# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities.hosts import check_host, is_address, split_port


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("a.test", "a.test", None),
        ("a.test:80", "a.test", "80"),
        ("[::1]:80", "::1", "80"),
        ("[::1]", "::1", None),
        ("::1", "::1", None),
    ],
)
def test_host_and_port_are_split(value: str, host: str, port: str | None) -> None:
    assert split_port(value) == (host, port)


def test_addresses_are_distinguished_from_names() -> None:
    assert is_address("10.0.0.1")
    assert is_address("[::1]")
    assert not is_address("a.test")


@pytest.mark.parametrize("value", ["a.test:0", "a.test:", "a.test:x", "a.test:65536"])
def test_bad_ports_are_named(value: str) -> None:
    assert check_host(value, port=True, wildcard=False) == "invalid port number"


def test_ports_and_wildcards_need_permission() -> None:
    assert check_host("a.test:80", port=False, wildcard=False) == "must not have a port"
    assert check_host("*.test", port=False, wildcard=False).startswith("invalid hostname")
    assert check_host("*.test:80", port=True, wildcard=True) == ""
