# SPDX-License-Identifier: Apache-2.0
"""``cors``: let pages of other origins call (the Fetch standard's CORS protocol)."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType
from gateway.plugins.cors.schema import Config

PLUGIN = PluginType(
    name="cors",
    version=COMPATIBLE_WITH,
    priority=2000,
    schema=Config,
    handler_path="gateway.plugins.cors.handler:Cors",
    no_consumer=True,
)

__all__ = ["PLUGIN", "Config"]
