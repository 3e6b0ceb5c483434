# SPDX-License-Identifier: Apache-2.0
"""``kafka-quota``: so many records and bytes of a caller into a topic, and no more. Not of Kong."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="kafka-quota",
    version=COMPATIBLE_WITH,
    # Right before the plugins that write records, which run at 752 and 751.
    priority=753,
    schema_path="gateway.plugins.kafka_quota.schema:Config",
    handler_path="gateway.plugins.kafka_quota.handler:KafkaQuota",
    no_consumer_group=False,
    # For limit_by consumer-group.
    reads=("consumers", "consumer_groups", "consumer_group_consumers"),
)
