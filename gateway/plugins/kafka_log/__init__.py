# SPDX-License-Identifier: Apache-2.0
"""``kafka-log``: write an entry for each request to a Kafka topic."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="kafka-log",
    version=COMPATIBLE_WITH,
    priority=5,
    schema_path="gateway.plugins.kafka_log.schema:Config",
    handler_path="gateway.plugins.kafka_log.handler:KafkaLog",
    protocols=("grpc", "grpcs", "http", "https", "ws", "wss"),
)
