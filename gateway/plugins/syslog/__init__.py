# SPDX-License-Identifier: Apache-2.0
"""``syslog``: write an entry for each request to the system's log."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType
from gateway.plugins.syslog.schema import Config

PLUGIN = PluginType(
    name="syslog",
    version=COMPATIBLE_WITH,
    priority=4,
    schema=Config,
    handler_path="gateway.plugins.syslog.handler:Syslog",
    further_protocols=ANY_PROTOCOL,
)

__all__ = ["PLUGIN", "Config"]
