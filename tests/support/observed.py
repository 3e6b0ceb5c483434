# SPDX-License-Identifier: Apache-2.0
"""A gateway with something of everything to see: a control plane, a data plane and a broker.

Routes that work, one that Kafka refuses, two whose brokers are not there, one that is limited, one
that wants a key, one to an upstream; sinks of log entries that are there and that are not.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.backend import backends
from tests.support.broker import Broker
from tests.support.control_plane import cluster_settings
from tests.support.control_plane_process import process, values_with_ports
from tests.support.node import NodeProcess, running_node
from tests.support.ports import free_ports
from tests.support.producing import on_broker
from tests.support.traffic import get, succeeds
from tests.support.waiting import PATIENCE, eventually

PATHS = ("/orders", "/refused", "/lost", "/gated", "/limited", "/proxied", "/nowhere", "/keyed")


KEY = "a-key-of-the-observed-gateway"  # a test's own


@dataclass
class Observed:
    """What runs."""

    node: NodeProcess
    admin: int
    """Port of the Admin API."""
    status: int
    """Port of the control plane's status API."""
    topic: str


def document(broker: Broker, topic: str, folder: Path, upstream: int) -> dict[str, Any]:
    """Return the configuration, in decK's format."""
    denied = f"{topic}-denied"
    broker.create(denied)
    (nobody,) = free_ports(1)
    produce = on_broker(broker, topic, producer_async=False)
    lost = {
        **produce,
        "bootstrap_servers": [{"host": "127.0.0.1", "port": nobody}],
        "timeout": 200,
        "producer_request_timeout": 200,
    }

    gating = {"producer_async": True, "producer_async_health_failure_threshold": 1}

    def route(name: str, *plugins: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "paths": [f"/{name}"], "plugins": list(plugins)}

    def kafka(config: dict[str, Any]) -> dict[str, Any]:
        return {"name": "kafka-upstream", "config": config}

    limit = {"name": "rate-limiting", "config": {"hour": 1, "policy": "local"}}
    routes = [
        route("orders", kafka(produce)),
        route("refused", kafka({**produce, "topic": denied})),
        route("lost", kafka(lost)),
        route("gated", kafka({**lost, **gating})),
        route("keyed", {"name": "key-auth"}, kafka(produce)),
        route("limited", limit, {"name": "request-termination", "config": {"status_code": 200}}),
    ]
    switches = ("per_consumer", "status_code_metrics", "latency_metrics", "bandwidth_metrics")
    queue = {"max_entries": 1, "max_retry_time": -1}
    sink = {"http_endpoint": f"http://127.0.0.1:{nobody}/", "queue": queue}
    return {
        "_format_version": "3.0",
        "consumers": [{"username": "ann", "keyauth_credentials": [{"key": KEY}]}],
        "upstreams": [
            {"name": "pool.test", "targets": [{"target": f"127.0.0.1:{upstream}"}]},
        ],
        "services": [
            {"name": "records", "url": "http://127.0.0.1:1", "routes": routes},
            {"name": "proxied", "host": "pool.test", "routes": [route("proxied")]},
        ],
        "plugins": [
            {
                "name": "prometheus",
                "config": {**dict.fromkeys(switches, True), "upstream_health_metrics": True},
            },
            {"name": "file-log", "config": {"path": str(folder / "requests.log")}},
            {"name": "http-log", "config": sink},
        ],
    }


@contextmanager
def observed(folder: Path, broker: Broker) -> Iterator[Observed]:
    """Run it all, under requests to all routes until the block ends."""
    topic = broker.topic()
    values, (admin, cluster, status) = values_with_ports(folder / "control-plane")
    values["log_level"] = "error"  # its log is not read here, and the pipe would fill up
    with ExitStack() as stack:
        (backend,) = stack.enter_context(backends("one"))
        stack.enter_context(process(values))
        eventually(lambda: succeeds(status, "/status/ready"))
        configuration = document(broker, topic, folder, backend.port)
        _publish(admin, configuration)
        settings = cluster_settings(cluster, folder)
        settings["KONG_LUA_SSL_TRUSTED_CERTIFICATE"] = broker.ca_file
        node = stack.enter_context(running_node(folder, **settings))
        node.ready()
        stack.enter_context(_requests(node.proxy))
        stack.enter_context(_releases(admin, configuration))
        yield Observed(node, admin, status, topic)


def _publish(admin: int, configuration: dict[str, Any]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/config", json.dumps(configuration), headers)
        reply = connection.getresponse()
        assert reply.status == 201, reply.read()
        reply.read()
    finally:
        connection.close()


@contextmanager
def _requests(port: int) -> Iterator[None]:
    """Ask each route, a thread a route: one waits for brokers that are not there."""

    def ask(path: str) -> None:
        get(port, path)
        get(port, path, {"apikey": KEY})

    with ExitStack() as stack:
        for path in PATHS:
            stack.enter_context(_again(0.1, partial(ask, path)))
        yield


@contextmanager
def _releases(admin: int, configuration: dict[str, Any]) -> Iterator[None]:
    """Publish a release every two seconds."""
    numbers = itertools.count()

    def publish() -> None:
        configuration["services"][1]["tags"] = [f"n{next(numbers)}"]
        _publish(admin, configuration)

    with _again(2.0, publish):
        yield


@contextmanager
def _again(pause: float, job: Callable[[], None]) -> Iterator[None]:
    """Do a job again and again, on a thread of its own; a broken connection ends nothing."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(pause):
            with suppress(OSError):
                job()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
