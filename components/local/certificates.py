# SPDX-License-Identifier: Apache-2.0
"""Certificates of the local stack, each made by an authority of its own stack."""

from __future__ import annotations

import pulumi

from components.authority import DAY, Lifetimes, StackAuthority, identity_of
from components.endpoints import HybridIdentity
from components.local.layout import LOOPBACK

CONTROL_PLANE_NAME = "control-plane.kafka-gateway.local"
LIFETIMES = Lifetimes(leaf=397 * DAY, renewal=60 * DAY)


class LocalCertificates(pulumi.ComponentResource):
    """One authority, and the certificates for the broker and both sides of the hybrid protocol."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kafka-gateway:local:LocalCertificates", name, None, opts)
        common_name = "kafka-gateway local authority"
        self._authority = StackAuthority(name, self, common_name, LIFETIMES)
        self.ca_pem = self._authority.pem
        self.broker = self._server("broker", "localhost")
        self.control_plane = self._server("control-plane", CONTROL_PLANE_NAME)
        leaf = self._authority.sign("data-plane", "client", "data-plane", ip_addresses=[])
        self.data_plane = identity_of(leaf, self.ca_pem)
        self.register_outputs({"caPem": self.ca_pem})

    def _server(self, label: str, name: str) -> HybridIdentity:
        leaf = self._authority.sign(label, "server", name, [name], [LOOPBACK])
        return identity_of(leaf, self.ca_pem)
