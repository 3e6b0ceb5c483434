# SPDX-License-Identifier: Apache-2.0
"""``prometheus``: what is counted of requests, for ``/metrics`` of the status API."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import ANY_PROTOCOL, PluginType

PLUGIN = PluginType(
    name="prometheus",
    version=COMPATIBLE_WITH,
    priority=13,
    schema_path="gateway.plugins.prometheus.schema:Config",
    handler_path="gateway.plugins.prometheus.handler:Prometheus",
    protocols=("grpc", "grpcs", "http", "https"),
    further_protocols=ANY_PROTOCOL,
)
