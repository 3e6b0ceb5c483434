# SPDX-License-Identifier: Apache-2.0
"""What is there already and brought along: a Kafka, a Kubernetes, a control plane.

Nothing is made in them but what the stack itself needs; they outlive the stack.
"""

from __future__ import annotations

import pulumi

from components.cloud.kubernetes import KubernetesCluster, kubernetes_provider
from components.config.cloud import ExistingKafkaConfig
from components.config.control_plane import ExistingControlPlaneConfig
from components.config.kubernetes import ExistingClusterConfig
from components.config.topics import TopicConfig
from components.endpoints import ControlPlaneEndpoint, KafkaEndpoint


class ExistingKafka(pulumi.ComponentResource):
    """A Kafka cluster that is there already: nothing is made, its topics are taken to exist."""

    def __init__(
        self,
        name: str,
        args: ExistingKafkaConfig,
        topics: tuple[TopicConfig, ...],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kafka-gateway:confluent:ExistingKafka", name, None, opts)
        servers: list[dict[str, str | int]] = [
            {"host": host, "port": port} for host, port in args.bootstrap_servers
        ]
        self.endpoint = KafkaEndpoint(
            bootstrap_servers=pulumi.Output.from_input(servers),
            ca_pem=pulumi.Output.from_input(args.ca_pem) if args.ca_pem else None,
            api_key=pulumi.Output.from_input(args.api_key),
            api_secret=args.api_secret.output(),
            reader_key=pulumi.Output.from_input(args.reader_key),
            reader_secret=args.reader_secret.output(),
            topics={topic.name: pulumi.Output.from_input(topic.name) for topic in topics},
        )
        self.register_outputs({"bootstrapServers": servers})


class ExistingCluster(pulumi.ComponentResource):
    """A Kubernetes cluster that is there already, by its kubeconfig."""

    def __init__(
        self,
        name: str,
        args: ExistingClusterConfig,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kafka-gateway:cluster:ExistingCluster", name, None, opts)
        kubeconfig = args.kubeconfig.output()
        self.cluster = KubernetesCluster(
            kubernetes_provider(f"{name}-kubernetes", kubeconfig, args.identifier, self, None),
            kubeconfig,
            owner=None,
        )
        self.register_outputs({})


class ExistingControlPlane(pulumi.ComponentResource):
    """A control plane that is there already, by its Admin API."""

    def __init__(
        self,
        name: str,
        args: ExistingControlPlaneConfig,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kafka-gateway:control-plane:ExistingControlPlane", name, None, opts)
        self.endpoint = ControlPlaneEndpoint(
            admin_url=pulumi.Output.from_input(args.admin_url),
            admin_token=args.admin_token.output(),
            cluster=pulumi.Output.from_input(args.cluster),
            cluster_server_name=pulumi.Output.from_input(args.server_name),
        )
        self.register_outputs({"cluster": args.cluster})
