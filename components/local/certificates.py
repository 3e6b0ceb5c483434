# SPDX-License-Identifier: Apache-2.0
"""Certificates of the local stack, each made by an authority of its own stack."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.endpoints import HybridIdentity
from components.local.layout import LOOPBACK
from provider.client import ClusterCertificate

CONTROL_PLANE_NAME = "control-plane.kafka-gateway.local"
DAYS = 24


@dataclass(frozen=True)
class Lifetimes:
    """Validity and the time before expiry at which a certificate is made anew, in hours."""

    authority: int = 3650 * DAYS
    leaf: int = 397 * DAYS
    renewal: int = 60 * DAYS


class LocalCertificates(pulumi.ComponentResource):
    """One authority, and the certificates for the broker and both sides of the hybrid protocol."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kafka-gateway:local:LocalCertificates", name, None, opts)
        self._lifetimes = Lifetimes()
        self._child = pulumi.ResourceOptions(parent=self)
        self._authority = ClusterCertificate(
            f"{name}-authority",
            kind="ca",
            common_name="kafka-gateway local authority",
            validity_hours=self._lifetimes.authority,
            early_renewal_hours=self._lifetimes.renewal,
            opts=self._child,
        )
        self.ca_pem = self._authority.certificate_pem
        self.broker = self._leaf(f"{name}-broker", "server", "localhost")
        self.control_plane = self._leaf(f"{name}-control-plane", "server", CONTROL_PLANE_NAME)
        self.data_plane = self._leaf(f"{name}-data-plane", "client", "data-plane")
        self.register_outputs({"caPem": self.ca_pem})

    def _leaf(self, name: str, kind: str, common_name: str) -> HybridIdentity:
        leaf = ClusterCertificate(
            name,
            kind=kind,
            common_name=common_name,
            dns_names=[common_name] if kind == "server" else [],
            ip_addresses=[LOOPBACK] if kind == "server" else [],
            validity_hours=self._lifetimes.leaf,
            early_renewal_hours=self._lifetimes.renewal,
            ca={
                "certificatePem": self._authority.certificate_pem,
                "privateKeyPem": self._authority.private_key_pem,
            },
            opts=self._child,
        )
        return HybridIdentity(leaf.certificate_pem, leaf.private_key_pem, self.ca_pem)
