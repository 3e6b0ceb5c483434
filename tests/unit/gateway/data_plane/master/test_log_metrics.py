# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.data_plane.master.exposition import Exposition
from gateway.data_plane.master.log_metrics import add_logs


def test_entries_are_shown_by_plugin_and_by_why_they_were_dropped() -> None:
    text = Exposition()
    add_logs(text, {"sent": {"http-log": 3}, "dropped": {"http-log": {"queue_full": 2}}})
    lines = text.text().decode().splitlines()
    assert 'kafka_gateway_log_entries_total{plugin="http-log"} 3' in lines
    dropped = 'kafka_gateway_log_entries_dropped_total{plugin="http-log",reason="queue_full"} 2'
    assert dropped in lines


def test_without_entries_nothing_is_shown() -> None:
    text = Exposition()
    add_logs(text, {})
    assert text.text() == b""
