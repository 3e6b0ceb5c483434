# SPDX-License-Identifier: Apache-2.0
"""librdkafka's log does not flood ours."""

from __future__ import annotations

import logging

import pytest

from gateway.kafka.client_log import INTERVAL, ClientLog


def test_a_kind_is_logged_once_an_interval_with_how_many_were_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    log = ClientLog("b:1", clock=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            log.librdkafka(3, "FAIL", "connection refused")
        log.lost("_MSG_TIMED_OUT", "timed out")
        assert len(caplog.records) == 2
        now[0] += INTERVAL
        log.librdkafka(3, "FAIL", "connection refused")
    assert len(caplog.records) == 3
    assert caplog.records[-1].fields["left_out"] == 49  # type: ignore[attr-defined]  # ours


def test_kinds_do_not_grow_without_end(caplog: pytest.LogCaptureFixture) -> None:
    log = ClientLog("b:1", clock=lambda: 100.0)
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            log.librdkafka(3, f"KIND{number}", "x")
    assert len(caplog.records) < 70
