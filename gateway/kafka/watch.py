# SPDX-License-Identifier: Apache-2.0
"""What a producer knows of its failures and of Kafka: counters, health, the gate, the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gateway.errors import KafkaRefuses, ProduceError, ProducerUnhealthy
from gateway.kafka.client_log import ClientLog, Later
from gateway.kafka.config import ProducerConfig
from gateway.kafka.connectivity import Connectivity
from gateway.kafka.health import Health, is_connectivity
from gateway.kafka.librdkafka import error_name
from gateway.kafka.reports import latency_of, topic_of
from gateway.kafka.topic_counts import TopicCounts

_LOST_TOPIC = frozenset(
    {"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "TOPIC_AUTHORIZATION_FAILED"}
)


class Probe(Protocol):
    """Has Kafka probed until it can be reached again; ``afresh``: the interval begins now."""

    def __call__(self, *, afresh: bool = False) -> None:
        """Probe once an interval."""
        ...


class Watch:
    """Counts failures, has Kafka probed while it is unreachable, closes the gate when it stays so.

    ``gate_closed``: new records are refused; only where the configuration asks for gating.
    """

    def __init__(
        self,
        config: ProducerConfig,
        later: Later,
        *,
        probe: Probe,
        refresh: Callable[[], None],
        bar: Callable[[], None],
    ) -> None:
        """``refresh``: look the topics up again; ``bar``: fail the records that callers wait for,
        since Kafka refuses us.
        """
        self.log = ClientLog(config.bootstrap[0], later)
        self.health = Health(config.gating)
        tokens = config.sasl is not None and config.sasl.oauth is not None
        self.connectivity = Connectivity(config.bootstrap, tokens=tokens)
        self.failures: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        self.topics: dict[str, TopicCounts] = {}
        self.unplaced: dict[int, str] = {}
        """Token to reason of records that were given up and whose report is still to come."""
        self.gate_closed = False
        self.closed = False
        self._gated = config.gated
        self._probe = probe
        self._refresh = refresh
        self._bar = bar
        self._connectivity = False
        self._lost_topic = False

    def metrics(self) -> dict[str, Any]:
        """Return the counters and the state."""
        return {
            "failures": dict(self.failures),
            "refusals": dict(self.refusals),
            "state": self.health.state,
            "healthy": self.health.healthy,
            "topics": {name: counts.report() for name, counts in self.topics.items()},
        }

    def refused(self, reason: str, records: int) -> None:
        """Count records that were not accepted; their senders know."""
        self.refusals[reason] = self.refusals.get(reason, 0) + records

    def refusal(self) -> ProduceError:
        """Count a record that is refused while Kafka is unreachable; return what it fails with."""
        barred = self.connectivity.barred
        if barred is not None:
            self.refused("kafka_refuses", 1)
            return KafkaRefuses(barred.reason, barred.detail)
        self.refused("unhealthy", 1)
        return ProducerUnhealthy("_ALL_BROKERS_DOWN", "the producer is unhealthy")

    def topic(self, name: str) -> TopicCounts:
        """Return what is counted of a topic."""
        found = self.topics.get(name)
        if found is None:
            found = self.topics[name] = TopicCounts()
        return found

    def count(self, reason: str, topic: str) -> None:
        """Count one record that was not written; ``failed`` follows for all of a report."""
        self.topic(topic).failed(reason)
        self._note(reason)

    def count_untold(self, reason: str, token: int, *, last: bool) -> None:
        """Count a record that was given up before its report, and so before its topic is known.

        Where there are several topics, that of the record is counted when it is reported after all
        (``place``): librdkafka's own deadline is about ours. ``last``: it never will be.
        """
        if len(self.topics) == 1:
            self.topic(next(iter(self.topics))).failed(reason)
        elif last:
            self.topic("").failed(reason)
        else:
            self.unplaced[token] = reason
        self._note(reason)

    def place(self, topic: str, *tokens: int) -> None:
        """Count those of the records of one topic that were given up before, under that topic."""
        if self.unplaced:
            for token in tokens:
                reason = self.unplaced.pop(token, None)
                if reason is not None:
                    self.topic(topic).failed(reason)

    def _note(self, reason: str) -> None:
        self.failures[reason] = self.failures.get(reason, 0) + 1
        self._connectivity = self._connectivity or is_connectivity(reason)
        self._lost_topic = self._lost_topic or reason in _LOST_TOPIC

    def failed(self) -> None:
        """React to a delivery report in which at least one record failed."""
        if self._connectivity:
            self._unreachable()
        if self._lost_topic:
            self._refresh()
        self._connectivity = self._lost_topic = False

    def reported(self, messages: Sequence[Any], size: int, failed: int) -> None:
        """Count the records of one batch, which are of one topic: so many bytes, so many failed.

        Each failure is counted before, by itself.
        """
        if failed:
            self.failed()
        written = len(messages) - failed
        if written:
            first = messages[0]
            if failed:
                first = next(message for message in messages if not message.err)
                size = sum(message.len for message in messages if not message.err)
            self.topic(topic_of(first)).delivered(written, size, latency_of(first))
            self.delivered()

    def delivered(self) -> None:
        """Note that a record was written."""
        if self.health.state == "up" and self.health.healthy:
            return
        self.connectivity.works()
        if self.health.delivered():
            self._reachable()

    def error(self, reason: str, detail: str) -> None:
        """Take an error that belongs to no record."""
        self.log.error(reason, detail)
        if self.connectivity.error(reason, detail):
            self.log.note("kafka refuses us", reason=reason, detail=detail)
            self._bar()
            self._probe(afresh=True)
        if is_connectivity(reason):
            self._unreachable()

    def librdkafka(self, level: int, facility: str, message: str) -> None:
        """Take a line of librdkafka's log."""
        if facility == "FAIL":
            self.connectivity.disconnected(message)
        self.log.librdkafka(level, facility, message)

    def token(self) -> None:
        """Note that there is a new token: what was refused without it may be tried."""
        self.connectivity.works()

    def probed(self, code: int) -> None:
        """Take the outcome of a probe: an error code of librdkafka."""
        if self.closed:
            return
        if code:
            self._unreachable()
            trouble = self.connectivity.trouble
            self.log.error(
                error_name(code), trouble.detail if trouble else "Kafka does not respond"
            )
            return
        self.connectivity.works()
        if self.health.probed():
            self._reachable()

    def close(self) -> None:
        """Probe no more."""
        self.closed = True

    def _unreachable(self) -> None:
        if self.health.failed():
            self.log.note("kafka is unreachable", failures=self.failures)
            self.gate_closed = self._gated
        self._probe()

    def _reachable(self) -> None:
        self.gate_closed = False
        self.log.note("kafka is reachable again")
