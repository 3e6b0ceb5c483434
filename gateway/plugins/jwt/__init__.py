# SPDX-License-Identifier: Apache-2.0
"""``jwt``: let only requests pass that show a JSON Web Token which a consumer's key has signed."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import PluginType

PLUGIN = PluginType(
    name="jwt",
    version=COMPATIBLE_WITH,
    priority=1450,
    schema_path="gateway.plugins.jwt.schema:Config",
    handler_path="gateway.plugins.jwt.handler:JwtAuth",
    no_consumer=True,
    reads=("consumers", "jwt_secrets"),
)
