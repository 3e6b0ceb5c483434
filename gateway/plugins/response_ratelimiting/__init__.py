# SPDX-License-Identifier: Apache-2.0
"""``response-ratelimiting``: an upstream says in a header what a request has cost."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="response-ratelimiting",
    version=COMPATIBLE_WITH,
    priority=900,
    schema_path="gateway.plugins.response_ratelimiting.schema:Config",
    handler_path="gateway.plugins.response_ratelimiting.handler:ResponseRateLimiting",
)
