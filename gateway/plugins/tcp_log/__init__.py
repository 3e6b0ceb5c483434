# SPDX-License-Identifier: Apache-2.0
"""``tcp-log``: send an entry for each request over TCP, with or without TLS."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="tcp-log",
    version=COMPATIBLE_WITH,
    priority=7,
    schema_path="gateway.plugins.tcp_log.schema:Config",
    handler_path="gateway.plugins.tcp_log.handler:TcpLog",
    further_protocols=ANY_PROTOCOL,
)
