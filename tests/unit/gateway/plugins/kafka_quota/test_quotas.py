# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.plugins.kafka_quota.quotas import Quota
from gateway.plugins.shared_counters import SharedCounters


def quota(kind: str, most: int) -> Quota:
    return Quota("s", kind, "day", most, SharedCounters())


def test_records_and_bytes_are_counted_one_by_one() -> None:
    assert quota("records", 5).amount(3, 700) == 3
    assert quota("bytes", 5000).amount(3, 700) == 700


def test_more_bytes_than_a_counter_holds_are_counted_in_larger_units() -> None:
    large = quota("bytes", 10 << 40)
    assert large.most < 1 << 31
    assert large.amount(1, 1) == 1
    assert large.amount(1, large.unit + 1) == 2
    assert large.most * large.unit <= 10 << 40
    assert large.text == f"{10 << 40} bytes a day"
