# SPDX-License-Identifier: Apache-2.0
"""librdkafka by itself: one record at a time, each acknowledged before the next; no HTTP.

``python -m bench.direct`` takes the generator's order and writes what the generator writes, so that
the latency at one connection can be compared with what the gateway is built on. Acknowledged
by all replicas and idempotent, without linger, as the gateway's records are.
"""

from __future__ import annotations

import json
import os
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from bench.generator import ACKNOWLEDGED, Order, Yield, carry_on, percentiles, record_of

_SETTINGS = {"acks": "all", "enable.idempotence": True, "linger.ms": 0}


def carry_out(order: Order, announce: Callable[[str], None]) -> tuple[Yield, bytearray]:
    """Write records for the time that was ordered."""
    given = json.loads(os.environ["BENCH_KAFKA"])
    producer = Producer({**given["client"], **_SETTINGS})
    latencies, outcomes = array("d"), bytearray()
    opening, closing = record_of(order)
    begin = time.perf_counter() + order.warm_up
    end = begin + order.seconds
    while (since := time.perf_counter()) < end:
        if since >= begin and not latencies:
            announce("begin")
        value = b"%b%010d%b" % (opening, len(outcomes), closing)
        outcomes.append(_written(producer, given["topic"], value))
        if since >= begin:
            latencies.append(time.perf_counter() - since)
    announce("end")
    statuses = {"200": sum(outcomes[-len(latencies) :])}
    lasted = time.perf_counter() - begin
    return Yield(lasted, len(latencies), statuses, 0, percentiles(latencies)), outcomes


def _written(producer: Producer, topic: str, value: bytes) -> int:
    """Write one record and wait; return its outcome."""
    errors: list[Any] = []
    producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
    while not errors:
        producer.poll(1)
    return 0 if errors[0] else ACKNOWLEDGED


if __name__ == "__main__":
    carry_on(Order(**json.load(sys.stdin)), carry_out)
