# SPDX-License-Identifier: Apache-2.0
"""A stack's own certificate authority, and the certificates that it signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.endpoints import HybridIdentity
from provider.client import ClusterCertificate

DAY = 24


@dataclass(frozen=True)
class Lifetimes:
    """Validity and the time before expiry at which a certificate is made anew, in hours."""

    leaf: int
    renewal: int
    authority: int = 3650 * DAY


class StackAuthority:
    """An authority below ``parent``; ``name`` begins the names of all that it signs."""

    def __init__(
        self, name: str, parent: pulumi.Resource, common_name: str, lifetimes: Lifetimes
    ) -> None:
        self._name, self._lifetimes = name, lifetimes
        self._opts = pulumi.ResourceOptions(parent=parent)
        self._certificate = ClusterCertificate(
            f"{name}-authority",
            kind="ca",
            common_name=common_name,
            validity_hours=lifetimes.authority,
            early_renewal_hours=lifetimes.renewal,
            opts=self._opts,
        )
        self.pem = self._certificate.certificate_pem

    def sign(
        self,
        label: str,
        kind: str,
        common_name: str,
        dns_names: Sequence[str] = (),
        ip_addresses: Sequence[str] | None = None,
    ) -> ClusterCertificate:
        """Make a certificate; ``kind`` is ``server`` or ``client``."""
        return ClusterCertificate(
            f"{self._name}-{label}",
            kind=kind,
            common_name=common_name,
            dns_names=list(dns_names),
            ip_addresses=None if ip_addresses is None else list(ip_addresses),
            validity_hours=self._lifetimes.leaf,
            early_renewal_hours=self._lifetimes.renewal,
            ca={"certificatePem": self.pem, "privateKeyPem": self._certificate.private_key_pem},
            opts=self._opts,
        )


def identity_of(leaf: ClusterCertificate, ca_pem: pulumi.Output[str]) -> HybridIdentity:
    """Return a certificate that was made here as one side's identity."""
    return HybridIdentity(leaf.certificate_pem, leaf.private_key_pem, ca_pem)
