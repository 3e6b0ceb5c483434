# SPDX-License-Identifier: Apache-2.0
"""``ip-restriction``: let clients pass, or refuse them, by their address."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="ip-restriction",
    version=COMPATIBLE_WITH,
    priority=990,
    schema_path="gateway.plugins.ip_restriction.schema:Config",
    handler_path="gateway.plugins.ip_restriction.handler:IpRestriction",
    no_consumer_group=False,
    protocols=("grpc", "grpcs", "http", "https", "tcp", "tls"),
    further_protocols=ANY_PROTOCOL,
)
