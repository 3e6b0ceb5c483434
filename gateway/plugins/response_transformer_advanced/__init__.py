# SPDX-License-Identifier: Apache-2.0
"""``response-transformer-advanced``: the same by status, with nested fields and functions."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="response-transformer-advanced",
    version=COMPATIBLE_WITH,
    priority=800,
    schema_path="gateway.plugins.response_transformer_advanced.schema:Config",
    handler_path="gateway.plugins.response_transformer_advanced.handler:ResponseTransformerAdvanced",
    no_consumer_group=False,
)
