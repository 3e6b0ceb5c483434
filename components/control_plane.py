# SPDX-License-Identifier: Apache-2.0
"""Our control plane as a Helm release, in a namespace of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.certificates import ClusterCertificates
from components.cluster_secrets import CLUSTER_CA, CLUSTER_CERT, identity_secrets, mounted, secret
from components.config.cloud import OwnControlPlaneConfig, ReleaseConfig
from components.endpoints import ControlPlaneEndpoint
from provider.client import Credential

NAMESPACE = "kong-cp"
RELEASE = "kong-cp"
BOOTSTRAP = "kafka-gateway-bootstrap"
CHART = "./gateway/chart"
RELEASE_TIMES = pulumi.CustomTimeouts(create="15m", update="15m", delete="15m")


@dataclass(frozen=True)
class ControlPlaneReleaseArgs:
    """Where it runs, with which image, and who may be its client."""

    config: OwnControlPlaneConfig
    image: ReleaseConfig
    certificates: ClusterCertificates
    provider: kubernetes.Provider
    kubeconfig: pulumi.Output[str]
    log_level: str


class ControlPlaneRelease(pulumi.ComponentResource):
    """The release, its first admin token and its keyring key in a Kubernetes secret.

    The Admin API listens inside the pod only: the provider reaches it by a port-forward through
    the kubeconfig, unless the configuration names an address.
    """

    def __init__(
        self, name: str, args: ControlPlaneReleaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:control_plane:ControlPlaneRelease", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, provider=args.provider)
        self._host = f"{RELEASE}-kong-cluster.{NAMESPACE}.svc.cluster.local"
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(name=NAMESPACE),
            opts=child,
        )
        own = pulumi.ResourceOptions(parent=self)
        token = Credential(f"{name}-admin-token", prefix="admin", opts=own)
        keyring = Credential(f"{name}-keyring", prefix="keyring", opts=own)
        secrets = identity_secrets(
            name, namespace, args.certificates.server("control-plane", [self._host]), child
        )
        secrets.append(
            secret(
                name,
                BOOTSTRAP,
                namespace,
                {"admin-token": token.secret, "keyring-key": keyring.secret},
                child,
            )
        )
        self.release = kubernetes.helm.v3.Release(
            name,
            name=RELEASE,
            chart=CHART,
            version=chart_version(),
            namespace=namespace.metadata.name,
            values=self._values(args),
            atomic=True,
            cleanup_on_fail=True,
            timeout=600,
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(depends_on=secrets, custom_timeouts=RELEASE_TIMES),
            ),
        )
        self.endpoint = self._endpoint(args, token.secret)
        self.register_outputs({"cluster": self.endpoint.cluster})

    def _values(self, args: ControlPlaneReleaseArgs) -> dict[str, Any]:
        return {
            "nameOverride": "kong",
            "image": image_values(args.image),
            "env": {
                "role": "control_plane",
                "cluster_mtls": "pki",
                "cluster_cert": mounted(CLUSTER_CERT, "tls.crt"),
                "cluster_cert_key": mounted(CLUSTER_CERT, "tls.key"),
                "cluster_ca_cert": mounted(CLUSTER_CA, "ca.crt"),
                "admin_token_file": mounted(BOOTSTRAP, "admin-token"),
                "log_level": args.log_level,
                "status_listen": "0.0.0.0:8100",
            },
            "secretVolumes": [CLUSTER_CERT, CLUSTER_CA, BOOTSTRAP],
            "proxy": {"enabled": False},
            "admin": {"enabled": False},
            "cluster": {"enabled": True},
            "ingressController": {"enabled": False},
        }

    def _endpoint(
        self, args: ControlPlaneReleaseArgs, token: pulumi.Output[str]
    ) -> ControlPlaneEndpoint:
        there = self.release.status.apply(lambda _: args.config.admin_url or "")
        forward = {
            "kubeconfig": args.kubeconfig,
            "namespace": NAMESPACE,
            "pod": f"{RELEASE}-kong-0",
            "port": "8001",
        }
        return ControlPlaneEndpoint(
            admin_url=there,
            admin_token=token,
            cluster=pulumi.Output.from_input(f"{self._host}:8005"),
            cluster_server_name=pulumi.Output.from_input(self._host),
            forward=None if args.config.admin_url else forward,
        )


def image_values(config: ReleaseConfig) -> dict[str, str]:
    """Return the chart's ``image`` section; a digest wins over the tag."""
    values = {"repository": config.image_repository}
    if config.image_tag:
        values["tag"] = config.image_tag
    if config.image_digest:
        values["digest"] = config.image_digest
    return values


def chart_version() -> str:
    """Return our chart's version: it changes with the chart's content, so Helm sees an edit."""
    from pathlib import Path

    import yaml

    chart = Path(__file__).resolve().parents[1] / "gateway" / "chart" / "Chart.yaml"
    return str(yaml.safe_load(chart.read_text())["version"])
