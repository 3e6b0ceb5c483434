# SPDX-License-Identifier: Apache-2.0
"""``cors``: let pages of other origins call (the Fetch standard's CORS protocol)."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="cors",
    version=COMPATIBLE_WITH,
    priority=2000,
    schema_path="gateway.plugins.cors.schema:Config",
    handler_path="gateway.plugins.cors.handler:Cors",
    no_consumer=True,
)
