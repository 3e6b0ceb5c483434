# SPDX-License-Identifier: Apache-2.0
"""``udp-log``: send a datagram for each request."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="udp-log",
    version=COMPATIBLE_WITH,
    priority=8,
    schema_path="gateway.plugins.udp_log.schema:Config",
    handler_path="gateway.plugins.udp_log.handler:UdpLog",
    further_protocols=ANY_PROTOCOL,
)
