# SPDX-License-Identifier: Apache-2.0
"""The data plane as a Helm release behind a load balancer: our chart and image, or Kong's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster_secrets import (
    API_KEY,
    CLUSTER_CA,
    CLUSTER_CERT,
    identity_secrets,
    mounted,
    secret,
)
from components.config.cloud import ReleaseConfig
from components.control_plane import CHART, RELEASE_TIMES, chart_version, image_values
from components.endpoints import ClusterIdentity, ControlPlaneEndpoint, KafkaEndpoint
from components.options import child_options
from components.versions import KONG_CHART_REPOSITORY, KONG_CHART_VERSION, KONG_IMAGE_TAG

RELEASE = "kong-dp"
PROXY_SERVICE = f"{RELEASE}-kong-proxy"
# The cluster's authority stands beside the system's: with the story's own value, only the data
# plane's certificate, Confluent's would be refused.
TRUSTED = f"system,{mounted(CLUSTER_CA, 'ca.crt')}"
BALANCER = "service.beta.kubernetes.io/aws-load-balancer"


@dataclass(frozen=True)
class GatewayReleaseArgs:
    """Where it runs, what it connects to, and how it is reached."""

    config: ReleaseConfig
    control_plane: ControlPlaneEndpoint
    kafka: KafkaEndpoint
    identity: ClusterIdentity
    provider: kubernetes.Provider
    cluster: pulumi.Resource
    log_level: str


class GatewayRelease(pulumi.ComponentResource):
    """Namespace, secrets, the release in data-plane mode, and the load balancer's address."""

    def __init__(
        self, name: str, args: GatewayReleaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:data_plane:GatewayRelease", name, None, opts)
        child = pulumi.ResourceOptions(
            parent=self, provider=args.provider, deleted_with=args.cluster
        )
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(name=args.config.namespace),
            opts=child,
        )
        secrets = identity_secrets(name, namespace, args.identity, child)
        keys = {"key": args.kafka.api_key, "secret": args.kafka.api_secret}
        secrets.append(secret(name, API_KEY, namespace, keys, child))
        konnect = args.control_plane.kind == "konnect"
        self.release = kubernetes.helm.v3.Release(
            name,
            name=RELEASE,
            chart="kong" if konnect else CHART,
            version=KONG_CHART_VERSION if konnect else chart_version(),
            repository_opts=(
                kubernetes.helm.v3.RepositoryOptsArgs(repo=KONG_CHART_REPOSITORY)
                if konnect
                else None
            ),
            namespace=namespace.metadata.name,
            values=release_values(args),
            atomic=True,
            cleanup_on_fail=True,
            timeout=600,
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(
                    depends_on=[*secrets, *_after(self, opts)], custom_timeouts=RELEASE_TIMES
                ),
            ),
        )
        self.proxy_url = self._address(name, args, child)
        self.register_outputs({"proxyUrl": self.proxy_url})

    def _address(
        self, name: str, args: GatewayReleaseArgs, child: pulumi.ResourceOptions
    ) -> pulumi.Output[str]:
        place = self.release.status.namespace.apply(lambda where: f"{where}/{PROXY_SERVICE}")
        service = kubernetes.core.v1.Service.get(
            f"{name}-proxy",
            place,
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        if args.config.hostname:
            return service.id.apply(lambda _: f"https://{args.config.hostname}")
        return service.status.apply(address)


def _after(parent: pulumi.Resource, opts: pulumi.ResourceOptions | None) -> list[Any]:
    after = child_options(parent, opts).depends_on
    return list(after) if isinstance(after, list | tuple) else []


def address(status: Any) -> str:
    """Return the load balancer's URL from a Service's status; empty while it has none."""
    ingress = ((status or {}).get("load_balancer") or {}).get("ingress") or []
    if not ingress:
        return ""
    name = ingress[0].get("hostname") or ingress[0].get("ip") or ""
    return f"http://{name}" if name else ""


def release_values(args: GatewayReleaseArgs) -> dict[str, Any]:
    """Return the release's values: those of the story, with the deviations the docs list."""
    konnect = args.control_plane.kind == "konnect"
    values: dict[str, Any] = {
        "nameOverride": "kong",
        "ingressController": {"enabled": False},
        "image": image_values(args.config),
        "admin": {"enabled": False},
        "env": _environment(args),
        "customEnv": _vault_values(args.config),
        "proxy": _proxy(args.config),
        "enterprise": {
            "enabled": True,
            "portal": {"enabled": False},
            "rbac": {"enabled": False},
            "smtp": {"enabled": False},
        },
        "manager": {"enabled": False},
        "portal": {"enabled": False},
        "portalapi": {"enabled": False},
        "secretVolumes": [CLUSTER_CERT, CLUSTER_CA],
        "replicaCount": args.config.replicas,
        "autoscaling": _autoscaling(args.config),
        "podDisruptionBudget": {"enabled": args.config.replicas > 1},
    }
    if konnect:
        values["image"].setdefault("tag", KONG_IMAGE_TAG)
    else:
        # A changed certificate or key is taken over by new pods, one at a time.
        values["podAnnotations"] = {"kafka-gateway/identity": _fingerprint(args)}
    return values


def _environment(args: GatewayReleaseArgs) -> dict[str, Any]:
    control_plane = args.control_plane
    environment: dict[str, Any] = {
        "role": "data_plane",
        "database": "off",
        "anonymous_reports": "off",
        "cluster_mtls": "pki",
        "cluster_control_plane": control_plane.cluster,
        "cluster_server_name": control_plane.cluster_server_name,
        "cluster_ca_cert": mounted(CLUSTER_CA, "ca.crt"),
        "cluster_cert": mounted(CLUSTER_CERT, "tls.crt"),
        "cluster_cert_key": mounted(CLUSTER_CERT, "tls.key"),
        "lua_ssl_trusted_certificate": TRUSTED,
        "status_listen": "0.0.0.0:8100",
        "log_level": args.log_level,
    }
    if control_plane.kind == "konnect":
        environment |= {
            "vitals": "off",
            "konnect_mode": "on",
            # Konnect's own servers are known by the system's trust, not by the stack's authority.
            "cluster_ca_cert": None,
            "cluster_telemetry_endpoint": control_plane.telemetry,
            "cluster_telemetry_server_name": control_plane.telemetry_server_name,
        }
        environment = {name: value for name, value in environment.items() if value is not None}
    return environment


def _vault_values(config: ReleaseConfig) -> dict[str, Any]:
    def from_secret(key: str) -> dict[str, Any]:
        return {"valueFrom": {"secretKeyRef": {"name": API_KEY, "key": key}}}

    return {
        **config.environment,
        "kafka_api_key": from_secret("key"),
        "kafka_api_secret": from_secret("secret"),
    }


def _proxy(config: ReleaseConfig) -> dict[str, Any]:
    proxy: dict[str, Any] = {"enabled": True, "type": "LoadBalancer"}
    annotations = {f"{BALANCER}-type": "nlb", f"{BALANCER}-scheme": "internet-facing"}
    if config.certificate_arn:
        # API keys cross the balancer: TLS to it, and from it to the gateway.
        annotations |= {
            f"{BALANCER}-ssl-cert": config.certificate_arn,
            f"{BALANCER}-ssl-ports": "443",
            f"{BALANCER}-backend-protocol": "ssl",
        }
        proxy["http"] = {"enabled": False}
    if config.hostname:
        annotations["external-dns.alpha.kubernetes.io/hostname"] = config.hostname
    proxy["annotations"] = annotations
    return proxy


def _autoscaling(config: ReleaseConfig) -> dict[str, Any]:
    if config.max_replicas == config.replicas:
        return {"enabled": False}
    return {
        "enabled": True,
        "minReplicas": config.replicas,
        "maxReplicas": config.max_replicas,
    }


def _fingerprint(args: GatewayReleaseArgs) -> pulumi.Output[str]:
    import hashlib

    def digest(parts: list[str]) -> str:
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    parts = pulumi.Output.all(
        args.identity.certificate_pem, args.kafka.api_key, args.kafka.api_secret
    )
    # A digest of 64 bits tells nothing of a random key: it may be seen in a preview.
    return pulumi.Output.unsecret(parts.apply(digest))
