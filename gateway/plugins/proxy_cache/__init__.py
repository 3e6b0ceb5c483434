# SPDX-License-Identifier: Apache-2.0
"""``proxy-cache``: responses of an upstream are kept and given again."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="proxy-cache",
    version=COMPATIBLE_WITH,
    priority=100,
    schema_path="gateway.plugins.proxy_cache.schema:Config",
    handler_path="gateway.plugins.proxy_cache.handler:ProxyCache",
    no_consumer_group=False,
    before_produce=754,
    further_protocols=ANY_PROTOCOL,
)
