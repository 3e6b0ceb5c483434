# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.plugins.logging.counts import LogCounts


def test_entries_are_counted_by_plugin_and_what_became_of_them() -> None:
    counts = LogCounts()
    counts.sent("http-log")
    counts.sent("http-log", 2)
    counts.dropped("http-log", "queue_full")
    counts.dropped("syslog", "too_large", 3)
    assert counts.report() == {
        "sent": {"http-log": 3},
        "dropped": {"http-log": {"queue_full": 1}, "syslog": {"too_large": 3}},
    }
