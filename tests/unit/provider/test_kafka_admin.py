# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from gateway.errors import EndpointUnreachable
from provider.kafka_admin import KafkaAdmin, kafka_admin
from tests.support.ports import free_ports
from tests.support.waiting import eventually


def test_servers_are_named_as_a_text_or_as_a_list() -> None:
    one, other = free_ports(2)
    servers = [{"host": "127.0.0.1", "port": one}, {"host": "127.0.0.1", "port": other}]
    text = f"127.0.0.1:{one},127.0.0.1:{other}"
    assert kafka_admin({"bootstrapServers": servers}) is kafka_admin({"bootstrapServers": text})


def test_closed_ports_are_named_with_the_reason_at_once() -> None:
    admin = kafka_admin({"bootstrapServers": f"127.0.0.1:{free_ports(1)[0]}"})
    with pytest.raises(EndpointUnreachable, match=r"does not answer \(Connection refused\)"):
        admin.call(lambda client: client.list_topics(timeout=60))


class Listing:
    """Counts how often it is asked for."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, client: AdminClient) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def admin() -> Iterator[KafkaAdmin]:
    """A client of a port that takes connections: what is listed here comes from nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield kafka_admin({"bootstrapServers": f"127.0.0.1:{taken.getsockname()[1]}"})


def test_what_is_listed_once_answers_for_all_until_something_is_changed(admin: KafkaAdmin) -> None:
    listing, other = Listing(), Listing()
    assert {admin.listed("things", listing) for _ in range(50)} == {1}
    assert admin.listed("others", other) == 1
    admin.change(lambda client: None)
    assert admin.listed("things", listing) == 2
    # It may be what somebody else changes: nothing is kept for long.
    eventually(lambda: admin.listed("things", listing) == 3)


def test_a_change_that_fails_counts_and_what_was_listed_meanwhile_does_not(
    admin: KafkaAdmin,
) -> None:
    listing = Listing()

    def changing(client: AdminClient) -> int:
        with pytest.raises(ZeroDivisionError):
            admin.change(lambda client: 1 // 0)
        return listing(client)

    assert admin.listed("failing", changing) == 1
    assert admin.listed("failing", listing) == 2
