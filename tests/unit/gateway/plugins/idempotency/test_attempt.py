# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.kafka.config import ProducerConfig
from gateway.kafka.outbox import Outbox
from gateway.plugins.idempotency.attempt import Attempt


def test_records_that_wait_may_be_dropped() -> None:
    attempt = Attempt("key", bytes(32))
    attempt.drop_records()
    attempt.outbox = Outbox(ProducerConfig(("a:1",)))
    attempt.outbox.send("t", b"1")
    attempt.drop_records()
    assert attempt.outbox.records == []
