# SPDX-License-Identifier: Apache-2.0
"""``confluent``: answer a request by writing it to a topic in Confluent Cloud."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType
from gateway.plugins.confluent.schema import Config

PLUGIN = PluginType(
    name="confluent",
    version=COMPATIBLE_WITH,
    priority=752,
    schema=Config,
    handler_path="gateway.plugins.confluent.handler:Confluent",
    produces=True,
)

__all__ = ["PLUGIN", "Config"]
