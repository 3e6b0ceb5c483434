# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import ProduceError, RequestRejected
from gateway.kafka.config import ProducerConfig
from gateway.kafka.outbox import Outbox, OutboxRecord


def test_it_keeps_records_in_order_and_reports_each_as_written() -> None:
    outbox, reports = Outbox(ProducerConfig(("a:1",))), list[ProduceError | None]()
    outbox.reserve(2, 10)
    outbox.send("t", b"1", b"k", [("h", b"v")], reports.append)
    outbox.send("u", b"2")
    outbox.flush()
    assert outbox.records == [
        OutboxRecord("t", b"1", b"k", [("h", b"v")]),
        OutboxRecord("u", b"2", None, ()),
    ]
    assert reports == [None]


def test_it_reaches_producers_of_the_same_brokers() -> None:
    outbox = Outbox(ProducerConfig(("a:1", "b:1")))
    outbox.check(ProducerConfig(("b:1", "c:1")))
    with pytest.raises(RequestRejected, match="other brokers"):
        outbox.check(ProducerConfig(("c:1",)))
