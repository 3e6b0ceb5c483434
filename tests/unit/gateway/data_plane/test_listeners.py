# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket

import pytest

from gateway.data_plane import listeners as module
from gateway.data_plane.listeners import Reservation, open_listener
from gateway.errors import SettingsError
from gateway.settings.listen import parse_listen


def test_a_free_port_is_the_same_for_all_workers() -> None:
    reserved = Reservation(parse_listen("127.0.0.1:0"), "KONG_PROXY_LISTEN")
    (address,) = reserved.addresses
    assert address.port > 0
    with open_listener(address) as one, open_listener(address) as other:
        assert one.getsockname() == other.getsockname() == ("127.0.0.1", address.port)
    reserved.close()


def test_a_reserved_address_takes_no_connections_before_a_worker_listens() -> None:
    reserved = Reservation(parse_listen("127.0.0.1:0"), "KONG_PROXY_LISTEN")
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", reserved.addresses[0].port)) != 0
    reserved.close()


@pytest.mark.parametrize("shared", [False, True])
def test_an_address_somebody_listens_on_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    (free,) = parse_listen("127.0.0.1:0")
    with open_listener(free, shared=shared) as taken:
        port = taken.getsockname()[1]
        expected = rf"KONG_PROXY_LISTEN: cannot listen on 127.0.0.1:{port}: Address already in use"
        with pytest.raises(SettingsError, match=expected):
            Reservation(parse_listen(f"127.0.0.1:{port}"), "KONG_PROXY_LISTEN")


def test_an_address_that_becomes_free_in_time_is_taken() -> None:
    (free,) = parse_listen("127.0.0.1:0")
    taken = open_listener(free)
    port = taken.getsockname()[1]
    taken.close()
    Reservation(parse_listen(f"127.0.0.1:{port}"), "X").close()


def test_an_address_of_no_interface_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"192.0.2.1:0"):
        Reservation(parse_listen("192.0.2.1:0"), "KONG_PROXY_LISTEN")
