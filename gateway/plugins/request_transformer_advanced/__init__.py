# SPDX-License-Identifier: Apache-2.0
"""``request-transformer-advanced``: the same with types, nested and allowed fields."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="request-transformer-advanced",
    version=COMPATIBLE_WITH,
    priority=802,
    schema_path="gateway.plugins.request_transformer_advanced.schema:Config",
    handler_path="gateway.plugins.request_transformer.handler:RequestTransformer",
    no_consumer_group=False,
    further_protocols=ANY_PROTOCOL,
)
