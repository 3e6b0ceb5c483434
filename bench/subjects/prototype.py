# SPDX-License-Identifier: Apache-2.0
"""The prototype line: a bare protocol that writes each body to Kafka and answers when it is there.

librdkafka with acks=all and a linger of 1 ms; a thread waits for delivery reports and wakes the
loop once for as many as there are. No routing, no plugins, no envelope, no limits: how far this
way of working goes at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
from collections.abc import Callable
from typing import Any

import uvloop
from confluent_kafka import Producer

from bench.subjects.floor import Floor

BODY = b'{"message":"message sent"}'
SENT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Deliveries:
    """Delivery reports on their way from librdkafka's thread to the loop, many at a time."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.loop = asyncio.get_running_loop()
        self.done: list[tuple[Any, bytes]] = []
        threading.Thread(target=self._poll, daemon=True).start()

    def report(self, transport: Any) -> Callable[[Any, Any], None]:
        """Make the callback of one record."""

        def delivered(error: Any, _message: Any) -> None:
            self.done.append((transport, FAILED if error else SENT))

        return delivered

    def _poll(self) -> None:
        while True:
            # Returns as soon as there is a report, having called back for all that were there.
            self.producer.poll(0.1)
            if self.done:
                done, self.done = self.done, []
                self.loop.call_soon_threadsafe(self._answer, done)

    @staticmethod
    def _answer(done: list[tuple[Any, bytes]]) -> None:
        for transport, answer in done:
            transport.write(answer)


class Prototype(Floor):
    """Hands each body to librdkafka."""

    deliveries: Deliveries
    topic: str

    def on_message_complete(self) -> None:
        deliveries = self.deliveries
        deliveries.producer.produce(
            self.topic, b"".join(self.body), on_delivery=deliveries.report(self.transport)
        )


async def main(port: int) -> None:
    """Serve for ever."""
    given = json.loads(os.environ["BENCH_KAFKA"])
    settings = {"acks": "all", "linger.ms": 1, "queue.buffering.max.messages": 1000000}
    Prototype.topic = given["topic"]
    Prototype.deliveries = Deliveries(Producer({**given["client"], **settings}))
    server = await asyncio.get_running_loop().create_server(Prototype, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    uvloop.run(main(options.parse_args().port))
