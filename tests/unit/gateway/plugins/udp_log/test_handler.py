# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket

import orjson

from gateway.plugins.logging.sinks import LogSinks
from tests.support.logging import until
from tests.support.policies import policy_gateway
from tests.support.waiting import PATIENCE


async def test_an_address_may_be_in_brackets() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.bind(("::1", 0))
        server.settimeout(PATIENCE)
        port = server.getsockname()[1]
        sinks = LogSinks()
        async with policy_gateway(
            ("udp-log", {"host": "[::1]", "port": port}), logs=sinks
        ) as gateway:
            await gateway.ask("/1")
            await until(lambda: sinks.counts.report()["sent"] == {"udp-log": 1})
        assert orjson.loads(server.recv(1 << 16))["request"]["uri"] == "/1"


async def test_each_request_is_a_datagram_without_a_line_end() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        plugin = ("udp-log", {"host": "localhost", "port": server.getsockname()[1]})
        if socket.getaddrinfo("localhost", 0)[0][0] != socket.AF_INET:
            plugin[1]["host"] = "127.0.0.1"
        sinks = LogSinks()
        async with policy_gateway(plugin, logs=sinks) as gateway:
            for target in ("/1", "/2", "/" + "x" * 4000):
                await gateway.ask(target)
            await until(lambda: sinks.counts.report()["sent"] == {"udp-log": 3})
        found = [server.recv(1 << 16) for _ in range(3)]
    assert [data[-1:] for data in found] == [b"}"] * 3
    uris = [orjson.loads(data)["request"]["uri"] for data in found]
    assert uris == ["/1", "/2", "/" + "x" * 4000]
