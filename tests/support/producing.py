# SPDX-License-Identifier: Apache-2.0
"""Running ``kafka-upstream`` and ``confluent`` on requests, as a worker does, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import uvloop

from gateway.http.messages import Pending, Request, Response
from gateway.kafka.config import ProducerConfig
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.chain import Chain
from gateway.plugins.confluent.handler import Confluent
from gateway.plugins.confluent.schema import Config as ConfluentConfig
from gateway.plugins.kafka_upstream.handler import KafkaUpstream
from gateway.plugins.kafka_upstream.schema import Config as KafkaUpstreamConfig
from gateway.plugins.produce.handler import ProduceHandler
from tests.support.broker import Broker
from tests.support.waiting import PATIENCE

T = TypeVar("T")

SENT = {"message": "message sent"}
NOT_SENT = {"message": "Bad Gateway", "error": "could not send message to topic"}


@dataclass
class Connection:
    """The socket that is not there."""

    scheme: str = "http"
    peer: tuple[str, int] = ("127.0.0.1", 50000)
    here: str = "127.0.0.1"
    has_asked: bool = False
    server_port: int = 8000
    sni: str | None = None
    tls: tuple[str, str] | None = None
    client_certificate: bytes | None = None
    client_chain: tuple[bytes, ...] = ()


def request(
    target: str = "/kafka",
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Request:
    """Return a request as the HTTP server hands it on: names of headers in lower case."""
    given = [("host", "gw:8000"), *headers]
    if content_type is not None:
        given.append(("content-type", content_type))
    pairs = [(name.lower().encode(), value.encode()) for name, value in given]
    made = Request(Connection(), method.encode(), target.encode(), "1.1", pairs, 0.0)
    made.body = body
    return made


@dataclass
class Worker:
    """A pool of producers on the running loop, and plugins made with it."""

    pool: ProducerPool
    trusted_ca: str | None = None
    certificates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    handlers: list[ProduceHandler] = field(default_factory=list)

    def plugin(self, config: Mapping[str, Any]) -> ProduceHandler:
        """Return a ``kafka-upstream`` handler."""
        return self._made(KafkaUpstream(KafkaUpstreamConfig(**config), self.context()))

    def confluent(self, config: Mapping[str, Any]) -> ProduceHandler:
        """Return a ``confluent`` handler."""
        return self._made(Confluent(ConfluentConfig(**config), self.context()))

    def context(self, **more: Any) -> PluginContext:
        """Return what handlers are made with."""
        return PluginContext(
            producers=self.pool,
            certificate=self.certificates.get,
            trusted_ca=self.trusted_ca,
            **more,
        )

    def _made(self, handler: ProduceHandler) -> ProduceHandler:
        self.handlers.append(handler)
        return handler


async def answer(way: ProduceHandler | Chain, asked: Request) -> Response:
    """Run the request through a chain, or one of this handler alone; wait for the answer."""
    chain = way if isinstance(way, Chain) else Chain([way])
    found = chain.run(asked)
    return await found if isinstance(found, Pending) else found


def working(
    job: Callable[[Worker], Awaitable[T]], trusted_ca: str | None = None, close: float = 10
) -> T:
    """Run ``job`` on an event loop of its own with a worker; close the pool afterwards."""

    async def run() -> T:
        pool = ProducerPool(asyncio.get_running_loop())
        try:
            return await job(Worker(pool, trusted_ca))
        finally:
            await pool.close(close)

    return uvloop.run(run())


class _NotTextName(str):
    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"\xff\xfe"


def write_unreadable_headers(client: Mapping[str, Any], topic: str, times: int) -> None:
    """Write records whose header has a name that is not UTF-8, as producers elsewhere may.

    ``client``: settings of librdkafka.
    """
    config = ProducerConfig(
        (client["bootstrap.servers"],),
        extra=tuple((name, str(value)) for name, value in client.items()),
    )

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config)
        for _ in range(times):
            report = asyncio.get_running_loop().create_future()
            producer.send(topic, b"v", b"k", [(_NotTextName("h"), b"1")], report.set_result)
            assert await report is None

    working(job)


def on_broker(broker: Broker, topic: str, **config: Any) -> dict[str, Any]:
    """Return a plugin configuration for the shared broker, as the user ``writer``."""
    name, password = broker.writer
    return {
        "topic": topic,
        "bootstrap_servers": [{"host": "127.0.0.1", "port": broker.port}],
        "authentication": {
            "strategy": "sasl",
            "mechanism": "PLAIN",
            "user": name,
            "password": password,
        },
        "security": {"ssl": True},
        **config,
    }


def produce(broker: Broker, config: Mapping[str, Any], *asked: Request) -> list[Response]:
    """Send requests to the shared broker, one after the other; return the answers."""

    async def job(worker: Worker) -> list[Response]:
        handler = worker.plugin(config)
        return [await answer(handler, one) for one in asked]

    return working(job, broker.ca_file)


def body_of(response: Response) -> Any:
    """Return an answer's JSON."""
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


def value_of(message: Any) -> Any:
    """Return a record's value as JSON."""
    return orjson.loads(message.value())


async def until(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """Wait for a condition while the loop goes on; fail after ``within`` seconds."""
    end = asyncio.get_running_loop().time() + within
    while not (found := condition()):
        assert asyncio.get_running_loop().time() < end, f"not within {within} s"
        await asyncio.sleep(0.01)
    return found
