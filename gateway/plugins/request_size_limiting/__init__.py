# SPDX-License-Identifier: Apache-2.0
"""``request-size-limiting``: bodies up to a size, and no larger ones."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="request-size-limiting",
    version=COMPATIBLE_WITH,
    priority=951,
    schema_path="gateway.plugins.request_size_limiting.schema:Config",
    handler_path="gateway.plugins.request_size_limiting.handler:RequestSizeLimiting",
)
