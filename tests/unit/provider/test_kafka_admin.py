# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import EndpointUnreachable
from provider.kafka_admin import kafka_admin
from tests.support.ports import free_ports


def test_servers_are_named_as_a_text_or_as_a_list() -> None:
    one, other = free_ports(2)
    servers = [{"host": "127.0.0.1", "port": one}, {"host": "127.0.0.1", "port": other}]
    text = f"127.0.0.1:{one},127.0.0.1:{other}"
    assert kafka_admin({"bootstrapServers": servers}) is kafka_admin({"bootstrapServers": text})


def test_closed_ports_are_named_with_the_reason_at_once() -> None:
    admin = kafka_admin({"bootstrapServers": f"127.0.0.1:{free_ports(1)[0]}"})
    with pytest.raises(EndpointUnreachable, match=r"does not answer \(Connection refused\)"):
        admin.call(lambda client: client.list_topics(timeout=60))
