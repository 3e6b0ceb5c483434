# SPDX-License-Identifier: Apache-2.0
"""``rate-limiting``: so many requests a second, minute, hour, day, month or year, and no more."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="rate-limiting",
    version=COMPATIBLE_WITH,
    priority=910,
    schema_path="gateway.plugins.rate_limiting.schema:Config",
    handler_path="gateway.plugins.rate_limiting.handler:RateLimiting",
    no_consumer_group=False,
    # For limit_by consumer-group.
    reads=("consumers", "consumer_groups", "consumer_group_consumers"),
)
