# SPDX-License-Identifier: Apache-2.0
"""``key-auth``: let only requests pass that show a consumer's API key."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="key-auth",
    version=COMPATIBLE_WITH,
    priority=1250,
    schema_path="gateway.plugins.key_auth.schema:Config",
    handler_path="gateway.plugins.key_auth.handler:KeyAuth",
    newer_protocols=("ws", "wss"),
    no_consumer=True,
    reads=("consumers", "keyauth_credentials"),
)
