# SPDX-License-Identifier: Apache-2.0
"""``opentelemetry``: trace contexts go on, spans go to a receiver."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="opentelemetry",
    version=COMPATIBLE_WITH,
    priority=14,
    # Records carry the context: it is there before they are made.
    before_produce=761,
    schema_path="gateway.plugins.opentelemetry.schema:Config",
    handler_path="gateway.plugins.opentelemetry.handler:OpenTelemetry",
    further_protocols=ANY_PROTOCOL,
)
