# SPDX-License-Identifier: Apache-2.0
"""``http-log``: send an entry for each request to an HTTP endpoint."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="http-log",
    version=COMPATIBLE_WITH,
    priority=12,
    schema_path="gateway.plugins.http_log.schema:Config",
    handler_path="gateway.plugins.http_log.handler:HttpLog",
    further_protocols=ANY_PROTOCOL,
)
