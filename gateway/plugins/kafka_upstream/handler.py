# SPDX-License-Identifier: Apache-2.0
"""``kafka-upstream`` at work."""

from __future__ import annotations

from gateway.kafka.config import ProducerConfig
from gateway.plugins.produce.handler import ProduceHandler
from gateway.plugins.produce.producer_config import kafka_upstream_producer


class KafkaUpstream(ProduceHandler):
    """Turns requests into records of a topic."""

    def producer_config(self) -> ProducerConfig:
        """Return the producer for the plugin's brokers, credentials and delivery settings."""
        context = self.context
        return kafka_upstream_producer(self.config, context.certificate, context.trusted_ca)
