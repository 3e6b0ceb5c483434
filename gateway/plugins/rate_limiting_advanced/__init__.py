# SPDX-License-Identifier: Apache-2.0
"""``rate-limiting-advanced``: several windows of any size, fixed or sliding."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="rate-limiting-advanced",
    version=COMPATIBLE_WITH,
    priority=910,
    schema_path="gateway.plugins.rate_limiting_advanced.schema:Config",
    handler_path="gateway.plugins.rate_limiting_advanced.handler:RateLimitingAdvanced",
    no_consumer_group=False,
    # For the identifier consumer-group.
    reads=("consumers", "consumer_groups", "consumer_group_consumers"),
)
