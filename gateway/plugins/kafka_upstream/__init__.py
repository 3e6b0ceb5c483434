# SPDX-License-Identifier: Apache-2.0
"""``kafka-upstream``: answer a request by writing it to a Kafka topic."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="kafka-upstream",
    version=COMPATIBLE_WITH,
    priority=751,
    schema_path="gateway.plugins.kafka_upstream.schema:Config",
    handler_path="gateway.plugins.kafka_upstream.handler:KafkaUpstream",
    produces=True,
)
