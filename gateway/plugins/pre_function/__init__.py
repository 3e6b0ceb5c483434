# SPDX-License-Identifier: Apache-2.0
"""``pre-function``: Lua that runs before all other plugins."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="pre-function",
    version=COMPATIBLE_WITH,
    priority=1000000,
    schema_path="gateway.plugins.pre_function.schema:Config",
    handler_path="gateway.plugins.pre_function.handler:ServerlessFunction",
    no_consumer=True,
    further_protocols=ANY_PROTOCOL,
)
