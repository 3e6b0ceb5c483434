# SPDX-License-Identifier: Apache-2.0
"""Policies by address behind a load balancer, on a node of two workers."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.support.http import get
from tests.support.node import running_node
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE

LIMIT = {"name": "rate-limiting", "config": {"minute": 1, "limit_by": "ip", "policy": "local"}}


def status(port: int, client: str) -> int:
    """Ask once, as a balancer that names ``client`` does."""
    header = f"PROXY TCP4 {client} 192.0.2.2 40000 80\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plug:
        plug.sendall(header + get(b"/", b"X-Forwarded-For: 192.0.2.77", b"Connection: close"))
        return int(b"".join(iter(lambda: plug.recv(65536), b"")).split()[1])


def test_limits_by_address_count_the_clients_that_the_balancer_names(tmp_path: Path) -> None:
    proxy, nobody = free_ports(2)
    service = {"name": "one", "host": "127.0.0.1", "port": nobody}
    route = {"name": "one", "paths": ["/"], "plugins": [LIMIT]}
    document = {"_format_version": "3.0", "services": [{**service, "routes": [route]}]}
    file = tmp_path / "kong.json"
    file.write_text(json.dumps(document))
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(file),
        "KONG_PROXY_LISTEN": f"127.0.0.1:{proxy} proxy_protocol",
        "KONG_REAL_IP_HEADER": "proxy_protocol",
        "KONG_TRUSTED_IPS": "127.0.0.0/8",
    }
    with running_node(tmp_path, **settings) as node:
        node.ready()
        found = [status(proxy, f"203.0.113.{last}") for last in (1, 2, 1, 2, 3)]
    assert found == [502, 502, 429, 429, 502]
