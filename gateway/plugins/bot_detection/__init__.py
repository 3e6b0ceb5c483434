# SPDX-License-Identifier: Apache-2.0
"""``bot-detection``: refuse clients that call themselves bots."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="bot-detection",
    version=COMPATIBLE_WITH,
    priority=2500,
    schema_path="gateway.plugins.bot_detection.schema:Config",
    handler_path="gateway.plugins.bot_detection.handler:BotDetection",
    no_consumer=True,
)
