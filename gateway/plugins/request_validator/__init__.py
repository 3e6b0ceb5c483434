# SPDX-License-Identifier: Apache-2.0
"""``request-validator``: let only requests pass whose body and parameters fit schemas."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="request-validator",
    version=COMPATIBLE_WITH,
    priority=999,
    schema_path="gateway.plugins.request_validator.schema:Config",
    handler_path="gateway.plugins.request_validator.handler:RequestValidator",
)
