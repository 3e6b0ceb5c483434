# SPDX-License-Identifier: Apache-2.0
"""The state machine behind health gating."""

from __future__ import annotations

from gateway.kafka.config import Gating
from gateway.kafka.health import Health, is_connectivity


def test_it_becomes_unhealthy_after_failures_in_a_row() -> None:
    health = Health(Gating(failures=3))
    assert [health.failed() for _ in range(4)] == [False, False, True, False]
    assert not health.healthy
    assert health.doubtful


def test_a_written_record_starts_the_count_anew() -> None:
    health = Health(Gating(failures=2))
    health.failed()
    health.delivered()
    assert not health.failed()
    assert health.healthy


def test_it_recovers_after_good_probes_in_a_row() -> None:
    health = Health(Gating(failures=1, recoveries=2))
    health.failed()
    assert not health.probed()
    health.failed()
    assert not health.probed()
    assert health.probed()
    assert health.healthy
    assert not health.doubtful


def test_errors_of_a_record_say_nothing_of_kafka() -> None:
    assert is_connectivity("_TRANSPORT")
    assert not is_connectivity("MSG_SIZE_TOO_LARGE")
