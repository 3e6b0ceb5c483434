# SPDX-License-Identifier: Apache-2.0
"""``oauth2-introspection``: let only requests pass whose token an OAuth 2 server knows."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="oauth2-introspection",
    version=COMPATIBLE_WITH,
    priority=1700,
    schema_path="gateway.plugins.oauth2_introspection.schema:Config",
    handler_path="gateway.plugins.oauth2_introspection.handler:OAuth2Introspection",
    no_consumer=True,
    reads=("consumers",),
)
