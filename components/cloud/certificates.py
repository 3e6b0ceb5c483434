# SPDX-License-Identifier: Apache-2.0
"""The certificates of a cloud stack, and the Kubernetes secrets that hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.authority import DAY, Lifetimes, StackAuthority, identity_of
from components.cloud.kubernetes import KubernetesCluster
from components.cloud.namespace import StackNamespace, make_namespace
from components.config.pem import IdentityConfig
from components.endpoints import HybridIdentity
from provider.client import ClusterCertificate

DATA_PLANE_SECRET = "kong-cluster-cert"  # noqa: S105 - the name of a Kubernetes secret
AUTHORITY_SECRET = "kong-cluster-ca"  # noqa: S105 - likewise
CONTROL_PLANE_SECRET = "kong-control-plane-cert"  # noqa: S105 - likewise
LIFETIMES = Lifetimes(leaf=90 * DAY, renewal=30 * DAY)
"""The scheduled renewal runs weekly, so a month leaves three more attempts."""


@dataclass(frozen=True)
class ClusterCertificatesArgs:
    """Where they go. ``control_plane_names`` is empty for a control plane that is not ours.

    One that is there already may bring its authority, ``ca_pem``, and what data planes present to
    it, ``identity``; whatever it does not bring is made here.
    """

    cluster: KubernetesCluster
    namespace: str
    control_plane_names: tuple[str, ...]
    pod_security: str = "restricted"
    ca_pem: str = ""
    identity: IdentityConfig | None = None


class IssuedCertificates(Protocol):
    """What a release needs of the certificates, wherever they were made."""

    @property
    def namespace(self) -> StackNamespace:
        """Where their secrets are."""

    @property
    def identity(self) -> HybridIdentity:
        """What data planes present, and verify with."""

    @property
    def data_plane_fingerprint(self) -> pulumi.Output[str]:
        """What restarts data planes."""

    @property
    def control_plane_fingerprint(self) -> pulumi.Output[str] | None:
        """What restarts our control plane; None without one."""

    @property
    def secrets(self) -> Sequence[pulumi.Resource]:
        """The secrets that pods come after."""


class ClusterCertificates(pulumi.ComponentResource):
    """An authority, a certificate for data planes and one for our control plane.

    What a control plane that is there already brings along takes the place of the first two.

    Each is renewed by an update within a month of its end; the fingerprints tell the releases.
    The namespace is made here, since these secrets are the first things in it.
    """

    def __init__(
        self, name: str, args: ClusterCertificatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:certificates:ClusterCertificates", name, None, opts)
        self._name, self._args = name, args
        self._authority = None
        if args.identity is None:
            common_name = f"kafka-gateway {pulumi.get_stack()} authority"
            self._authority = StackAuthority(name, self, common_name, LIFETIMES)
        self.authority_pem = self._authority.pem if self._authority else None
        self.namespace = make_namespace(
            f"{name}-namespace", self, args.namespace, args.pod_security, args.cluster
        )
        self.identity, self.data_plane_fingerprint = self._data_plane()
        self.secrets: list[pulumi.Resource] = [
            self.namespace.secret(
                f"{name}-authority-secret", self, AUTHORITY_SECRET, {"ca.crt": self.identity.ca_pem}
            ),
            self._tls_secret("data-plane", DATA_PLANE_SECRET, self.identity),
        ]
        self.control_plane = self._control_plane() if args.control_plane_names else None
        made = self.control_plane
        self.control_plane_fingerprint = None if made is None else made.fingerprint
        self.register_outputs({"caPem": self.identity.ca_pem})

    def _data_plane(self) -> tuple[HybridIdentity, pulumi.Output[str]]:
        """Return what data planes present and verify with, and what restarts pods."""
        brought, ca_pem = self._args.identity, pulumi.Output.from_input(self._args.ca_pem)
        if brought is not None:
            certificate = pulumi.Output.from_input(brought.certificate_pem)
            identity = HybridIdentity(certificate, brought.private_key.output(), ca_pem)
            text = brought.certificate_pem + self._args.ca_pem
            return identity, pulumi.Output.from_input(digest(text))
        assert self._authority is not None
        leaf = self._authority.sign("data-plane", "client", "kafka-gateway-data-plane")
        if not self._args.ca_pem:
            return identity_of(leaf, self._authority.pem), leaf.fingerprint
        fingerprint = pulumi.Output.concat(leaf.fingerprint, "-", digest(self._args.ca_pem))
        return identity_of(leaf, ca_pem), fingerprint

    def _control_plane(self) -> ClusterCertificate:
        assert self._authority is not None
        names = self._args.control_plane_names
        leaf = self._authority.sign("control-plane", "server", names[0], names)
        pair = identity_of(leaf, self._authority.pem)
        self.secrets.append(self._tls_secret("control-plane", CONTROL_PLANE_SECRET, pair))
        return leaf

    def _tls_secret(self, label: str, name: str, pair: HybridIdentity) -> pulumi.Resource:
        data = {"tls.crt": pair.certificate_pem, "tls.key": pair.private_key_pem}
        return self.namespace.secret(
            f"{self._name}-{label}-secret", self, name, data, "kubernetes.io/tls"
        )


def digest(text: str) -> str:
    """Return what changes when a certificate that was brought along is another one."""
    return hashlib.sha256(text.encode()).hexdigest()
