# SPDX-License-Identifier: Apache-2.0
"""``request-transformer``: change requests before they are passed on or produced."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="request-transformer",
    version=COMPATIBLE_WITH,
    priority=801,
    schema_path="gateway.plugins.request_transformer.schema:Config",
    handler_path="gateway.plugins.request_transformer.handler:RequestTransformer",
    no_consumer_group=False,
    further_protocols=ANY_PROTOCOL,
)
