# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.errors import ProduceError, ProducerUnhealthy, RequestRejected
from gateway.kafka.config import ProducerConfig
from gateway.kafka.outbox import STAMP, Outbox, OutboxRecord, StampedOutbox, stamp_of


def producer(config: ProducerConfig) -> Any:
    """Return what keeps the records that it is sent, with their reports."""
    sent: list[Any] = []
    return SimpleNamespace(
        config=config, closing=False, sent=sent, send=lambda *record: sent.append(record)
    )


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
    outbox.open(producer(ProducerConfig(("b:1", "c:1"))))
    with pytest.raises(RequestRejected, match="other brokers"):
        outbox.open(producer(ProducerConfig(("c:1",))))


def test_a_stamped_record_says_its_use_and_its_place_in_its_topic() -> None:
    behind, outbox = producer(ProducerConfig(("a:1",))), StampedOutbox("use", lambda: 60)
    outbox.open(behind)
    for topic in ("t", "u", "t"):
        outbox.send(topic, b"v", None, [("own", b"1")])
    assert [(topic, headers[-1]) for topic, _, _, headers, _ in behind.sent] == [
        ("t", (STAMP, stamp_of("use", 0))),
        ("u", (STAMP, stamp_of("use", 0))),
        ("t", (STAMP, stamp_of("use", 1))),
    ]
    assert behind.sent[0][3][0] == ("own", b"1")
    assert len(outbox.stamp[0][1]) >= len(stamp_of("use", 999_999))


def test_what_is_written_is_reported_and_not_sent_again() -> None:
    behind, reports = producer(ProducerConfig(("a:1",))), list[ProduceError | None]()
    outbox = StampedOutbox("use", lambda: 60, {("t", 0)})
    assert outbox.is_doubtful
    outbox.open(behind)
    for value in (b"1", b"2"):
        outbox.send("t", value, on_delivery=reports.append)
    assert reports == [None]
    assert [value for _, value, *_ in behind.sent] == [b"2"]


def test_nothing_is_sent_that_could_be_under_way_when_the_claim_is_over() -> None:
    behind, left = producer(ProducerConfig(("a:1",), deadline=10_000)), [10.0]
    outbox = StampedOutbox("use", lambda: left[0])
    outbox.open(behind)
    outbox.send("t", b"1")
    left[0] = 9.9
    with pytest.raises(ProducerUnhealthy, match="may run out"):
        outbox.send("t", b"2")
    assert len(behind.sent) == 1


@pytest.mark.parametrize(
    ("reason", "doubtful"),
    [
        (None, True),
        ("_MSG_TIMED_OUT", True),
        ("REQUEST_TIMED_OUT", True),
        ("NOT_LEADER_FOR_PARTITION", True),
        ("TOPIC_AUTHORIZATION_FAILED", False),
        ("MSG_SIZE_TOO_LARGE", False),
    ],
)
def test_only_what_was_refused_for_certain_leaves_no_doubt(
    reason: str | None, doubtful: bool
) -> None:
    behind, outbox = producer(ProducerConfig(("a:1",))), StampedOutbox("use", lambda: 60)
    outbox.open(behind)
    assert not outbox.is_doubtful
    reports: list[ProduceError | None] = []
    outbox.send("t", b"1", on_delivery=reports.append)
    error = None if reason is None else ProduceError(reason, "")
    behind.sent[0][-1](error)
    assert reports == [error]
    assert outbox.is_doubtful is doubtful
