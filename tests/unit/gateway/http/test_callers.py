# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.http.callers import foreign, host_of, is_local, is_loopback

NAMES = frozenset({"admin.example", "10.0.0.5"})


def why(**headers: str) -> str:
    given = {"host": "localhost:8001", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return foreign([(k.encode(), v.encode()) for k, v in given.items()], NAMES)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "127.0.0.1:8001", "127.8.9.1", "[::1]:8001", "[::1]",
     "[::ffff:127.0.0.1]:80", "admin.example", "Admin.Example:8001", "10.0.0.5:8001"],
)  # fmt: skip
def test_loopback_and_configured_hosts_are_ours(host: str) -> None:
    assert why(host=host) == ""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.localhost",
     "10.0.0.6", "127.1", "0.0.0.0", "[::]", "[2001:db8::1]:80", "user@localhost",
     "localhost:8001:1", "", "a b", "localhost, evil.example", "xadmin.example", "0x7f.0.0.1"],
)  # fmt: skip
def test_any_other_host_may_have_been_made_to_point_here(host: str) -> None:
    assert host in why(host=host)


def test_more_than_one_host_is_none_of_ours() -> None:
    twice = [(b"host", b"localhost"), (b"host", b"127.0.0.1")]
    assert foreign(twice, NAMES)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "anything"])
def test_pages_of_other_origins_give_themselves_away(site: str) -> None:
    assert site in why(sec_fetch_site=site)


@pytest.mark.parametrize("site", ["same-origin", "none", "Same-Origin"])
def test_our_own_pages_and_the_address_bar_are_served(site: str) -> None:
    assert why(sec_fetch_site=site) == ""


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost", "http://localhost:3000",
     "file://localhost:8001", "http://localhost:8001.evil.example", "http://127.0.0.1:8001",
     "chrome-extension://x", ""],
)  # fmt: skip
def test_an_origin_must_be_the_very_host_that_is_asked(origin: str) -> None:
    assert why(origin=origin)


def test_an_origin_of_our_own_is_served() -> None:
    assert why(origin="http://localhost:8001") == ""
    assert why(origin="https://Admin.Example", host="admin.example") == ""


def test_without_host_no_browser_asks() -> None:
    assert foreign([(b"accept", b"*/*")], ()) == ""
    assert foreign([(b"origin", b"http://evil.example")], ())


def test_both_ends_on_one_machine_are_local() -> None:
    assert is_local("127.0.0.1", "127.0.0.1")
    assert is_local("::1", "::1")
    assert is_local("::ffff:127.0.0.1", "::")
    assert is_local("10.0.0.5", "10.0.0.5")
    assert not is_local("10.0.0.6", "10.0.0.5")
    assert not is_local("", "")
    assert is_loopback("localhost")
    assert host_of("[::1]:80") == "::1"
