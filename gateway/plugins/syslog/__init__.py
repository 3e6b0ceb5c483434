# SPDX-License-Identifier: Apache-2.0
"""``syslog``: write an entry for each request to the system's log."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="syslog",
    version=COMPATIBLE_WITH,
    priority=4,
    schema_path="gateway.plugins.syslog.schema:Config",
    handler_path="gateway.plugins.syslog.handler:Syslog",
    further_protocols=ANY_PROTOCOL,
)
