# SPDX-License-Identifier: Apache-2.0
"""``hmac-auth``: let only requests pass that a consumer's secret has signed."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="hmac-auth",
    version=COMPATIBLE_WITH,
    priority=1030,
    schema_path="gateway.plugins.hmac_auth.schema:Config",
    handler_path="gateway.plugins.hmac_auth.handler:HmacAuth",
    newer_protocols=("ws", "wss"),
    no_consumer=True,
    reads=("consumers", "hmacauth_credentials"),
)
