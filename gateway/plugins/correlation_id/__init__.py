# SPDX-License-Identifier: Apache-2.0
"""``correlation-id``: one id for a request on all its way."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="correlation-id",
    version=COMPATIBLE_WITH,
    priority=100001,
    schema_path="gateway.plugins.correlation_id.schema:Config",
    handler_path="gateway.plugins.correlation_id.handler:CorrelationId",
)
