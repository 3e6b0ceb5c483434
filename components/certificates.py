# SPDX-License-Identifier: Apache-2.0
"""The certificates of a cloud stack, and the Kubernetes secrets that hold them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import KubernetesCluster
from components.endpoints import ClusterIdentity
from components.secret import secret
from provider.client import ClusterCertificate

DATA_PLANE_SECRET = "kong-cluster-cert"  # noqa: S105 - the name of a Kubernetes secret
AUTHORITY_SECRET = "kong-cluster-ca"  # noqa: S105 - likewise
CONTROL_PLANE_SECRET = "kong-control-plane-cert"  # noqa: S105 - likewise
DAY = 24
AUTHORITY_HOURS = 3650 * DAY
LEAF_HOURS = 90 * DAY
RENEWAL_HOURS = 30 * DAY
"""The scheduled renewal runs weekly, so a month leaves three more attempts."""


@dataclass(frozen=True)
class ClusterCertificatesArgs:
    """Where they go. ``control_plane_names`` is empty for a control plane that is not ours."""

    cluster: KubernetesCluster
    namespace: str
    control_plane_names: tuple[str, ...]
    pod_security: str = "restricted"


class ClusterCertificates(pulumi.ComponentResource):
    """An authority, a certificate for data planes and one for our control plane.

    Each is renewed by an update within a month of its end; the fingerprints tell the releases.
    The namespace is made here, since these secrets are the first things in it.
    """

    def __init__(
        self, name: str, args: ClusterCertificatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:certificates:ClusterCertificates", name, None, opts)
        self._name, self._args = name, args
        self.authority = ClusterCertificate(
            f"{name}-authority",
            kind="ca",
            common_name=f"kafka-gateway {pulumi.get_stack()} authority",
            validity_hours=AUTHORITY_HOURS,
            early_renewal_hours=RENEWAL_HOURS,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = self._namespace()
        self.data_plane = self._leaf("data-plane", "client", "kafka-gateway-data-plane", ())
        self.data_plane_fingerprint = self.data_plane.fingerprint
        authority = self._secret(
            "authority", AUTHORITY_SECRET, "Opaque", {"ca.crt": self.authority.certificate_pem}
        )
        self.secrets: list[pulumi.Resource] = [
            authority,
            self._tls_secret("data-plane", DATA_PLANE_SECRET, self.data_plane),
        ]
        self.control_plane: ClusterCertificate | None = None
        if args.control_plane_names:
            first = args.control_plane_names[0]
            leaf = self._leaf("control-plane", "server", first, args.control_plane_names)
            self.secrets.append(self._tls_secret("control-plane", CONTROL_PLANE_SECRET, leaf))
            self.control_plane = leaf
        self.identity = ClusterIdentity(
            self.data_plane.certificate_pem,
            self.data_plane.private_key_pem,
            self.authority.certificate_pem,
        )
        self.register_outputs({"caPem": self.authority.certificate_pem})

    def _namespace(self) -> kubernetes.core.v1.Namespace:
        labels = {"pod-security.kubernetes.io/enforce": self._args.pod_security}
        return kubernetes.core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={"name": self._args.namespace, "labels": labels},
            opts=self._args.cluster.options(self),
        )

    def _leaf(
        self, label: str, kind: str, common_name: str, names: tuple[str, ...]
    ) -> ClusterCertificate:
        return ClusterCertificate(
            f"{self._name}-{label}",
            kind=kind,
            common_name=common_name,
            dns_names=list(names),
            validity_hours=LEAF_HOURS,
            early_renewal_hours=RENEWAL_HOURS,
            ca={
                "certificatePem": self.authority.certificate_pem,
                "privateKeyPem": self.authority.private_key_pem,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tls_secret(
        self, label: str, name: str, leaf: ClusterCertificate
    ) -> kubernetes.core.v1.Secret:
        data = {"tls.crt": leaf.certificate_pem, "tls.key": leaf.private_key_pem}
        return self._secret(label, name, "kubernetes.io/tls", data)

    def _secret(
        self, label: str, name: str, kind: str, data: dict[str, pulumi.Output[str]]
    ) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            f"{self._name}-{label}-secret",
            metadata={"name": name, "namespace": self._args.namespace},
            type=kind,
            string_data={key: secret(value) for key, value in data.items()},
            opts=self._args.cluster.options(self, self.namespace),
        )
