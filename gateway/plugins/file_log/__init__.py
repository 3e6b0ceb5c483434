# SPDX-License-Identifier: Apache-2.0
"""``file-log``: append an entry for each request to a file."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="file-log",
    version=COMPATIBLE_WITH,
    priority=9,
    schema_path="gateway.plugins.file_log.schema:Config",
    handler_path="gateway.plugins.file_log.handler:FileLog",
    further_protocols=ANY_PROTOCOL,
)
