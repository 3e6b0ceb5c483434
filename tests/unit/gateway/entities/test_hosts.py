# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.entities.hosts import (
    check_host,
    check_host_with_port,
    check_route_host,
    check_server_name,
    is_address,
    read_host,
    split_port,
    with_target_port,
)


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


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ("a.test", "a.test:8000"),
        ("a.test:80", "a.test:80"),
        ("[::1]:80", "[::1]:80"),
        ("[::1]", "[::1]:8000"),
        ("::1", "[::1]:8000"),
    ],
)
def test_a_target_without_a_port_is_at_8000(value: str, whole: str) -> None:
    assert with_target_port(value) == whole


def test_addresses_are_distinguished_from_names() -> None:
    assert is_address("10.0.0.1")
    assert is_address("[::1]")
    assert not is_address("a.test")


@pytest.mark.parametrize("value", ["a.test:0", "a.test:65536", "10.0.0.1:65536", "[::1]:65536"])
def test_a_port_out_of_range_is_named_before_the_name(value: str) -> None:
    assert check_host_with_port(value) == "invalid port number"
    assert check_route_host(value) == "invalid port number"
    assert check_host(value) == "must not have a port"


@pytest.mark.parametrize(
    "value", ["a.test:", "a.test:x", "/a", ".a", "a..b", "a-.b", "a.b-", "a;b"]
)
def test_a_colon_without_digits_is_no_port_but_part_of_a_wrong_name(value: str) -> None:
    assert check_host_with_port(value) == f"invalid hostname: {value}"
    assert check_route_host(value) == f"invalid hostname: {value}"
    assert check_host(value) == f"invalid value: {value}"
    assert check_server_name(value) == f"invalid value: {value}"


def test_addresses_that_are_none_are_told_by_their_kind() -> None:
    assert check_host_with_port("1234") == "invalid ipv4 address: 1234"
    assert check_host_with_port("1.2.3.400:80") == "invalid ipv4 address: 1.2.3.400:80"
    assert check_host_with_port("some::thing") == "invalid ipv6 address: some::thing"
    assert check_host_with_port("[::1]:") == "invalid ipv6 address: [::1]:"


@pytest.mark.parametrize("value", ["a.test", "a.test.", "-a_b.test", "10.0.0.1", "::1", "[::1]"])
def test_names_and_addresses_are_hosts_also_with_a_dot_at_the_end(value: str) -> None:
    assert check_host(value) == check_host_with_port(value) == check_route_host(value) == ""


def test_ports_and_wildcards_need_permission() -> None:
    assert check_host("a.test:80") == "must not have a port"
    assert check_host("*.test") == "invalid value: *.test"
    for value in ("*.test:80", "test.*", "test.*:80", "[::1]:80"):
        assert check_route_host(value) == ""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a.*.test", "wildcard must be leftmost or rightmost character"),
        ("*.a.*", "only one wildcard must be specified"),
        ("10.0.0.1", "must not be an IP"),
        ("::1", "must not be an IP"),
        ("a.test:80", "must not have a port"),
        ("a.test:99999", "must not have a port"),
        ("*.a.test", ""),
        ("a.*", ""),
        ("a.test.", ""),
    ],
)
def test_server_names_are_names_alone(value: str, problem: str) -> None:
    assert check_server_name(value) == problem


@given(st.text())
def test_any_text_is_read(value: str) -> None:
    read = read_host(value)
    assert read.kind in ("name", "ipv4", "ipv6")
    if check_host(value) == "":
        assert not read.problem
        assert read.port is None
