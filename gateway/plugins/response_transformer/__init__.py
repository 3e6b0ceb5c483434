# SPDX-License-Identifier: Apache-2.0
"""``response-transformer``: change headers and JSON bodies of responses."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="response-transformer",
    version=COMPATIBLE_WITH,
    priority=800,
    schema_path="gateway.plugins.response_transformer.schema:Config",
    handler_path="gateway.plugins.response_transformer.handler:ResponseTransformer",
    no_consumer_group=False,
)
