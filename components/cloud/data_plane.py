# SPDX-License-Identifier: Apache-2.0
"""The data plane in Kubernetes: a Helm release behind a load balancer."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.certificates import AUTHORITY_SECRET, DATA_PLANE_SECRET, IssuedCertificates
from components.cloud.helm import NAME, kong_chart, own_chart, release
from components.cloud.kubernetes import KubernetesCluster
from components.cloud.load_balancer import (
    LoadBalancer,
    client_settings,
    proxy_values,
    tls_values,
)
from components.config.cloud import ReleaseConfig
from components.config.secret import Secret
from components.config.stack import version_environment
from components.config.versions import KONG_IMAGE_TAG
from components.endpoints import ControlPlaneEndpoint, KafkaEndpoint
from gateway.settings.compatibility import OLDER

RELEASE = "kong-dp"
SWITCHED_OFF = ("admin", "ingressController", "manager", "portal", "portalapi")
KEY_SECRET = "kafka-api-key"  # noqa: S105 - the name of a Kubernetes secret
KAFKA_AUTHORITY_SECRET = "kafka-ca"  # noqa: S105 - likewise


@dataclass(frozen=True)
class DataPlaneReleaseArgs:
    """What a data plane needs; ``konnect`` takes Kong's chart and image instead of ours."""

    config: ReleaseConfig
    cluster: KubernetesCluster
    certificates: IssuedCertificates
    control_plane: ControlPlaneEndpoint
    kafka: KafkaEndpoint
    konnect: bool
    log_level: str
    compatibility_version: str
    certificate_arn: pulumi.Output[str] | None = None
    """Of the load balancer, where the stack asks for it itself."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """What else vault references in the routes read, by name."""


class DataPlaneRelease(pulumi.ComponentResource):
    """The release, the secret with its Kafka key, and the address of its load balancer.

    It is ready exactly when it serves a configuration, so the routes come before it.
    """

    def __init__(
        self, name: str, args: DataPlaneReleaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # The token is in the URN of everything below: another one would replace a live release.
        super().__init__("kafka-gateway:data-plane:GatewayRelease", name, None, opts)
        self._name, self._args = name, args
        secrets = self._secrets()
        chart = kong_chart() if args.konnect else own_chart()
        given: Sequence[pulumi.Resource] = []
        if opts is not None and opts.depends_on is not None:
            given = list(opts.depends_on)  # type: ignore[arg-type]  # the program gives a list
        self.release = release(
            name,
            chart,
            RELEASE,
            args.config.namespace,
            self._values(),
            args.cluster,
            self,
            depends_on=[*given, *secrets, *args.certificates.secrets],
            uninstall=True,
        )
        self.address = self._address(f"{RELEASE}-{NAME}-proxy")
        self.proxy_url = self.address.apply(lambda found: proxy_url(args.config, found))
        self.register_outputs({"proxyUrl": self.proxy_url})

    def _secrets(self) -> list[pulumi.Resource]:
        kafka = self._args.kafka
        # The names that vault references in the routes read: {vault://env/KAFKA_API_SECRET}.
        key = {"KAFKA_API_KEY": kafka.api_key, "KAFKA_API_SECRET": kafka.api_secret}
        if kafka.schema_registry is not None:
            key |= {
                "SCHEMA_REGISTRY_URL": kafka.schema_registry.url,
                "SCHEMA_REGISTRY_KEY": kafka.schema_registry.key,
                "SCHEMA_REGISTRY_SECRET": kafka.schema_registry.secret,
            }
        key |= {name: value.output() for name, value in self._args.secrets.items()}
        secrets = {("key", KEY_SECRET): key}
        if kafka.ca_pem is not None:
            secrets["kafka-ca", KAFKA_AUTHORITY_SECRET] = {"ca.crt": kafka.ca_pem}
        namespace = self._args.certificates.namespace
        return [
            namespace.secret(f"{self._name}-{label}-secret", self, name, data)
            for (label, name), data in secrets.items()
        ]

    def _values(self) -> dict[str, Any]:
        args = self._args
        values = data_plane_values(
            args.config,
            args.control_plane,
            args.log_level,
            compatibility_version=args.compatibility_version,
            konnect=args.konnect,
            kafka_authority=args.kafka.ca_pem is not None,
            load_balancer=args.cluster.load_balancer,
        )
        if args.certificate_arn is not None:
            values["proxy"] = tls_values(values["proxy"], args.certificate_arn)
        values["podAnnotations"] = {
            # New pods for a renewed certificate and for another key; the old ones drain.
            "kafka-gateway/cluster-certificate": args.certificates.data_plane_fingerprint,
            "kafka-gateway/kafka-key": args.kafka.api_key,
            # The same key may get another secret, and Kafka another authority.
            "kafka-gateway/kafka-access": self._kafka_digest(),
        }
        return values

    def _kafka_digest(self) -> pulumi.Output[str]:
        kafka, identity = self._args.kafka, self._args.certificates.identity
        ca_pem = pulumi.Output.from_input("") if kafka.ca_pem is None else kafka.ca_pem
        parts = [identity.private_key_pem, kafka.api_key, kafka.api_secret, ca_pem]
        if kafka.schema_registry is not None:
            parts += [kafka.schema_registry.url, kafka.schema_registry.secret]
        for name, value in self._args.secrets.items():
            parts += [pulumi.Output.from_input(name), value.output()]
        return pulumi.Output.unsecret(
            pulumi.Output.all(*parts).apply(lambda found: keyed_digest(found[0], found[1:]))
        )

    def _address(self, service: str) -> pulumi.Output[str]:
        # The id is known once the release is there: before, there is nothing to look up.
        identity = self.release.status.apply(lambda status: f"{status.namespace}/{service}")
        found = kubernetes.core.v1.Service.get(
            f"{self._name}-proxy",
            identity,
            opts=pulumi.ResourceOptions(
                parent=self, provider=self._args.cluster.provider, depends_on=[self.release]
            ),
        )
        return found.status.apply(load_balancer_address)


def keyed_digest(key: str, texts: Sequence[str]) -> str:
    """Return what changes with any of ``texts`` and tells nothing of them.

    It is keyed (HMAC, RFC 2104): pods' annotations can be read by many, and a plain digest would
    let them try passwords.
    """
    return hmac.new(key.encode(), json.dumps(texts).encode(), "sha256").hexdigest()


def load_balancer_address(status: Any) -> str:
    """Return hostname or address of a Service's load balancer, or nothing while it has none."""
    balancer = getattr(status, "load_balancer", None)
    for item in (getattr(balancer, "ingress", None) or []) if balancer is not None else []:
        found = item.hostname or item.ip
        if found:
            return str(found)
    return ""


def proxy_url(config: ReleaseConfig, address: str) -> str:
    """Return where clients go: the configured name by TLS, else the load balancer itself."""
    if config.hostname:
        return f"https://{config.hostname}"
    return f"http://{address}" if address else ""


def data_plane_values(
    config: ReleaseConfig,
    control_plane: ControlPlaneEndpoint,
    log_level: str,
    *,
    compatibility_version: str = OLDER,
    konnect: bool,
    kafka_authority: bool,
    load_balancer: LoadBalancer,
) -> dict[str, Any]:
    """Return the chart's values, by the names that kong/kong and our chart share.

    Against those of the deployment by hand (docs/by-hand-and-as-code.md):
    ``lua_ssl_trusted_certificate`` is the system's store and the cluster's authority, since the
    cluster's alone would refuse Confluent's certificate;
    ``vitals_ttl_days`` is gone since 3.0; with a certificate, plain HTTP leaves the load balancer.
    """
    volumes = [DATA_PLANE_SECRET, AUTHORITY_SECRET]
    if kafka_authority:
        volumes.append(KAFKA_AUTHORITY_SECRET)
    proxy = proxy_values(config, load_balancer)
    if config.certificate_arn:
        proxy = tls_values(proxy, config.certificate_arn)
    return {
        "image": image(config, konnect=konnect),
        "env": {
            **_environment(control_plane, log_level, konnect, volumes),
            **client_settings(load_balancer),
            "nginx_worker_processes": str(config.pods.workers or "auto"),
        },
        "customEnv": {**version_environment(compatibility_version), **config.environment},
        "envFrom": [{"secretRef": {"name": KEY_SECRET}}],
        "secretVolumes": volumes,
        "proxy": proxy,
        **{section: {"enabled": False} for section in SWITCHED_OFF},
        "enterprise": {
            "enabled": konnect,
            "portal": {"enabled": False},
            "rbac": {"enabled": False},
            "smtp": {"enabled": False},
        },
        "replicaCount": config.replicas,
        "autoscaling": {
            "enabled": config.max_replicas > config.replicas,
            "minReplicas": config.replicas,
            "maxReplicas": config.max_replicas,
        },
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "resources": config.pods.resources(),
    }


def image(config: ReleaseConfig, *, konnect: bool) -> dict[str, str]:
    """Return repository, tag and digest; Kong's image has a pinned tag when none is given."""
    tag = config.image_tag or (KONG_IMAGE_TAG if konnect else "")
    made = {"repository": config.image_repository, "tag": tag}
    # kong/kong knows no digest.
    return made if konnect else {**made, "digest": config.image_digest}


def _environment(
    control_plane: ControlPlaneEndpoint, log_level: str, konnect: bool, volumes: Sequence[str]
) -> dict[str, Any]:
    authorities = [f"/etc/secrets/{name}/ca.crt" for name in volumes if name != DATA_PLANE_SECRET]
    made: dict[str, Any] = {
        "role": "data_plane",
        "database": "off",
        "log_level": log_level,
        "cluster_mtls": "pki",
        "cluster_control_plane": control_plane.cluster,
        "cluster_server_name": control_plane.cluster_server_name,
        "cluster_cert": f"/etc/secrets/{DATA_PLANE_SECRET}/tls.crt",
        "cluster_cert_key": f"/etc/secrets/{DATA_PLANE_SECRET}/tls.key",
        "cluster_ca_cert": f"/etc/secrets/{AUTHORITY_SECRET}/ca.crt",
        "lua_ssl_trusted_certificate": ",".join(["system", *authorities]),
        "status_listen": "0.0.0.0:8100",
    }
    if konnect:
        made |= {"anonymous_reports": "off", "konnect_mode": "on", "vitals": "off"}
    if control_plane.telemetry is not None:
        made["cluster_telemetry_endpoint"] = control_plane.telemetry
        made["cluster_telemetry_server_name"] = control_plane.telemetry_server_name
    return made
