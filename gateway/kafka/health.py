# SPDX-License-Identifier: Apache-2.0
"""Whether Kafka is there, as far as one producer can tell; without any I/O of its own."""

from __future__ import annotations

from gateway.kafka.config import Gating

_CONNECTIVITY = frozenset(
    {
        "_TRANSPORT",
        "_ALL_BROKERS_DOWN",
        "_RESOLVE",
        "_SSL",
        "_AUTHENTICATION",
        "_MSG_TIMED_OUT",
        "_TIMED_OUT",
        "_TIMED_OUT_QUEUE",
        "SASL_AUTHENTICATION_FAILED",
        "LEADER_NOT_AVAILABLE",
        "NOT_ENOUGH_REPLICAS",
        "REQUEST_TIMED_OUT",
    }
)


def is_connectivity(reason: str) -> bool:
    """Tell whether an error says that Kafka is unreachable or does not know us."""
    return reason in _CONNECTIVITY


class Health:
    """Counts failures and recoveries in a row.

    ``state`` is ``unknown`` before the first word, then ``up`` or ``down``; ``healthy`` becomes
    False after as many failures as the thresholds say, True after as many good probes or with
    the first record that is written.
    """

    def __init__(self, gating: Gating) -> None:
        self._gating = gating
        self._failures = 0
        self._recoveries = 0
        self.state = "unknown"
        self.healthy = True

    @property
    def doubtful(self) -> bool:
        """Whether probes are wanted."""
        return self.state == "down" or not self.healthy

    def failed(self) -> bool:
        """Count a failure; return whether the producer has just become unhealthy."""
        self.state = "down"
        self._failures += 1
        self._recoveries = 0
        if self.healthy and self._failures >= self._gating.failures:
            self.healthy = False
            return True
        return False

    def delivered(self) -> bool:
        """Count a record that was written; return whether the producer was unhealthy."""
        self.state = "up"
        self._failures = 0
        was, self.healthy = self.healthy, True
        return not was

    def probed(self) -> bool:
        """Count a good probe; return whether the producer has just become healthy again."""
        self.state = "up"
        self._failures = 0
        self._recoveries += 1
        if not self.healthy and self._recoveries >= self._gating.recoveries:
            self.healthy = True
            return True
        return False
