# SPDX-License-Identifier: Apache-2.0
"""Our control plane in Kubernetes: a Helm release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.cloud.certificates import (
    AUTHORITY_SECRET,
    CONTROL_PLANE_SECRET,
    IssuedCertificates,
)
from components.cloud.claim import make_claim
from components.cloud.helm import NAME, own_chart, release
from components.cloud.kubernetes import KubernetesCluster
from components.config.control_plane import OwnControlPlaneConfig
from components.config.pods import PodConfig
from components.config.secret import secret
from components.config.stack import version_environment
from components.endpoints import ControlPlaneEndpoint
from provider.client import Credential

RELEASE = "kong-cp"
ADMIN_SECRET = "control-plane-admin"  # noqa: S105 - the name of a Kubernetes secret
CLUSTER_PORT = 8005
ADMIN_PORT = 8001


@dataclass(frozen=True)
class ControlPlaneReleaseArgs:
    """Where it runs and with which image."""

    config: OwnControlPlaneConfig
    cluster: KubernetesCluster
    certificates: IssuedCertificates
    image: Mapping[str, str]
    log_level: str
    compatibility_version: str
    retain: bool
    claim_unmanaged: bool
    """The volume's claim is there, made by the StatefulSet and none of the stack's yet."""


class ControlPlaneRelease(pulumi.ComponentResource):
    """Our control plane as a Helm release, its first admin token and keyring keys in a secret.

    Its Admin API listens on the pod's loopback: without ``adminUrl`` in the configuration a
    port-forward reaches it, and nothing else does.
    """

    def __init__(
        self, name: str, args: ControlPlaneReleaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:control-plane:ControlPlaneRelease", name, None, opts)
        self._args, self._namespace = args, args.certificates.namespace
        mine = pulumi.ResourceOptions(parent=self)
        token = Credential(f"{name}-admin-token", prefix="admin", opts=mine)
        # Earlier keys stay: releases in the database are encrypted with them.
        keyring = [
            Credential(f"{name}-keyring-{generation}", prefix="keyring", length=64, opts=mine)
            for generation in range(args.config.keyring_generation, 0, -1)
        ]
        keys = pulumi.Output.all(*(key.secret for key in keyring)).apply("\n".join)
        holder = self._namespace.secret(
            f"{name}-admin-secret", self, ADMIN_SECRET, {"token": token.secret, "keyring": keys}
        )
        assert args.certificates.control_plane_fingerprint is not None
        restarting = {
            "cluster-certificate": args.certificates.control_plane_fingerprint,
            "admin-token": token.key,
            "keyring": keyring[0].key,
        }
        storage_class = args.cluster.storage_class
        claim = self._claim(name)
        self.release = release(
            name,
            own_chart(),
            RELEASE,
            self._namespace.name,
            control_plane_values(
                args.image,
                args.log_level,
                storage_class,
                restarting,
                args.compatibility_version,
                args.config.pods,
            ),
            args.cluster,
            self,
            depends_on=[holder, claim, *args.certificates.secrets],
            # Its pod has to let go of the volume.
            uninstall=True,
        )
        self.endpoint = self._endpoint(token)
        self.register_outputs({"cluster": self.endpoint.cluster})

    def _claim(self, name: str) -> pulumi.Resource:
        args = self._args
        return make_claim(
            f"{name}-claim",
            self,
            args.cluster,
            self._namespace,
            retain=args.retain,
            adopted=args.claim_unmanaged,
        )

    def _endpoint(self, token: Credential) -> ControlPlaneEndpoint:
        namespace, admin_url = self._namespace.name, self._args.config.admin_url
        host = control_plane_names(namespace)[0]
        # By way of the release, so that what uses the address waits for it.
        ready = self.release.status
        forward: dict[str, pulumi.Input[str]] = {
            "kubeconfig": self._args.cluster.kubeconfig,
            "namespace": namespace,
            "pod": f"{RELEASE}-{NAME}-0",
            "port": str(ADMIN_PORT),
        }
        return ControlPlaneEndpoint(
            admin_url=ready.apply(lambda _: admin_url),
            admin_token=secret(token.secret),
            cluster=ready.apply(lambda _: f"{host}:{CLUSTER_PORT}"),
            cluster_server_name=pulumi.Output.from_input(host),
            forward=None if admin_url else forward,
        )


def control_plane_names(namespace: str) -> tuple[str, ...]:
    """Return the names under which data planes know our control plane, the first one in use."""
    service = f"{RELEASE}-{NAME}-cluster"
    return (f"{service}.{namespace}.svc", f"{service}.{namespace}.svc.cluster.local", service)


def control_plane_values(
    image: Mapping[str, str],
    log_level: str,
    storage_class: str,
    checksums: Mapping[str, pulumi.Input[str]],
    compatibility_version: str,
    pods: PodConfig,
) -> dict[str, Any]:
    """Return the chart's values; ``checksums`` restart the pod when what they stand for changes."""
    certificate, authority = (
        f"/etc/secrets/{CONTROL_PLANE_SECRET}",
        f"/etc/secrets/{AUTHORITY_SECRET}",
    )
    environment = version_environment(compatibility_version)
    return {
        "image": dict(image),
        "env": {
            "role": "control_plane",
            "log_level": log_level,
            "cluster_mtls": "pki",
            "cluster_cert": f"{certificate}/tls.crt",
            "cluster_cert_key": f"{certificate}/tls.key",
            "cluster_ca_cert": f"{authority}/ca.crt",
            "admin_token_file": f"/etc/secrets/{ADMIN_SECRET}/token",
            "keyring_file": f"/etc/secrets/{ADMIN_SECRET}/keyring",
        },
        **({"customEnv": environment} if environment else {}),
        "admin": {"enabled": False},
        "secretVolumes": [CONTROL_PLANE_SECRET, AUTHORITY_SECRET, ADMIN_SECRET],
        "persistence": {"enabled": True, "size": "1Gi", "storageClass": storage_class},
        "resources": pods.resources(),
        "podAnnotations": {f"kafka-gateway/{name}": value for name, value in checksums.items()},
    }
