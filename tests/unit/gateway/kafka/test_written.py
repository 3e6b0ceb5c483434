# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.kafka.written import WrittenRecords


def test_who_asks_is_told_once_all_records_are_reported() -> None:
    told: list[bool] = []
    written = WrittenRecords(2)
    written.on_settled = lambda: told.append(written.settled)
    written.take("a", 0, 7, "")
    assert (told, written.settled) == ([], False)
    written.take("b", -1, -1, "_MSG_TIMED_OUT")
    assert told == [True]
    assert (written.places, written.problem) == ([("a", 0, 7)], "_MSG_TIMED_OUT")
    assert written.until >= written.since
    written.take("b", 0, 1, "")
    assert told == [True]
