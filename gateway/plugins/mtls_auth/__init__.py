# SPDX-License-Identifier: Apache-2.0
"""``mtls-auth``: let only requests pass whose client showed a certificate of a known authority."""

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import WEBSOCKETS, PluginType

PLUGIN = PluginType(
    name="mtls-auth",
    version=COMPATIBLE_WITH,
    priority=1600,
    schema_path="gateway.plugins.mtls_auth.schema:Config",
    handler_path="gateway.plugins.mtls_auth.handler:MtlsAuth",
    no_consumer=True,
    reads=("consumers", "mtls_auth_credentials", "ca_certificates"),
    asks=lambda config: config.ca_certificates if config.send_ca_dn else (),
    further_protocols=WEBSOCKETS,
)
