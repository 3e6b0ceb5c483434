# SPDX-License-Identifier: Apache-2.0
"""``confluent`` at work."""

from __future__ import annotations

from gateway.kafka.config import ProducerConfig
from gateway.plugins.produce.handler import ProduceHandler
from gateway.plugins.produce.producer_config import confluent_producer


class Confluent(ProduceHandler):
    """Turns requests into records of a topic in Confluent Cloud."""

    def producer_config(self) -> ProducerConfig:
        """Return the producer for the plugin's cluster, API key and delivery settings."""
        return confluent_producer(self.config, self.context.trusted_ca)
