# SPDX-License-Identifier: Apache-2.0
"""``proxy-cache-advanced``: ``proxy-cache`` that may keep responses in Redis, for all nodes."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="proxy-cache-advanced",
    version=COMPATIBLE_WITH,
    priority=100,
    schema_path="gateway.plugins.proxy_cache_advanced.schema:Config",
    handler_path="gateway.plugins.proxy_cache_advanced.handler:ProxyCacheAdvanced",
    no_consumer_group=False,
    before_produce=754,
)
