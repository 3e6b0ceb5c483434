# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.cloud import ConfluentConfig, ExistingKafkaConfig, read_cloud
from components.config.control_plane import ExistingControlPlaneConfig, KonnectConfig
from components.config.kubernetes import EksConfig
from components.config.reader import ConfigError, ConfigReader
from tests.support.authority import Authority

DIGEST = "sha256:" + "0" * 64
OWN = {"imageDigest": DIGEST}
PEER = {
    "peerVpcId": "vpc-0123456789abcdef0",
    "peerCidr": "192.168.0.0/24",
    "peerRouteTableIds": '["rtb-0123456789abcdef0"]',
}


def problems(**changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_cloud(ConfigReader("prod", OWN | changes))
    return str(caught.value)


def test_the_defaults_are_the_values_that_was_made_by_hand() -> None:
    config = read_cloud(ConfigReader("konnect", OWN))
    assert config.kafka == ConfluentConfig(
        environment="default",
        cluster_name="cluster_0",
        cluster_type="basic",
        cloud="AWS",
        region="us-east-2",
        availability="single-zone",
        cku=0,
        schema_registry=False,
    )
    assert isinstance(config.cluster, EksConfig)
    assert (config.cluster.name, config.cluster.region) == ("konnect-dataplane", "us-west-1")
    assert (config.cluster.instance_type, config.cluster.nodes) == ("t3.large", 1)
    assert config.release.namespace == "kong-dp"


def test_konnect_needs_no_digest_but_a_token_that_never_shows() -> None:
    given = {"controlPlane": "konnect", "konnectToken": "kpat_planted"}
    config = read_cloud(ConfigReader("konnect", given))
    assert isinstance(config.control_plane, KonnectConfig)
    assert "planted" not in repr(config)


def test_a_kafka_of_ones_own_is_taken_with_or_without_the_scheme() -> None:
    given = {
        "kafka": "existing",
        "kafkaBootstrapServers": "SASL_SSL://a.example:9092, b.example:9093",
        "kafkaApiKey": "k",
        "kafkaApiSecret": "s",
    }
    config = read_cloud(ConfigReader("prod", OWN | given))
    assert isinstance(config.kafka, ExistingKafkaConfig)
    assert config.kafka.bootstrap_servers == (("a.example", 9092), ("b.example", 9093))


def test_a_control_plane_of_ones_own_is_known_by_its_host_unless_said_otherwise() -> None:
    given = {
        "controlPlane": "existing",
        "adminUrl": "https://admin.example",
        "adminToken": "t",
        "clusterControlPlane": "cp.example:443",
        "clusterCaPem": Authority().pem,
    }
    config = read_cloud(ConfigReader("prod", OWN | given))
    assert isinstance(config.control_plane, ExistingControlPlaneConfig)
    assert config.control_plane.server_name == "cp.example"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"confluentRegion": "ohio"}, "confluentRegion: 'ohio' is no AWS region such as us-east-2"),
        (
            {"confluentRegion": "us-west-1"},
            "confluentRegion: 'us-west-1' has no Confluent clusters; allowed in the United States",
        ),
        (
            {"confluentAvailability": "multi-zone"},
            "confluentAvailability: 'multi-zone' does not exist for type basic; allowed: single-zo",
        ),
        ({"confluentClusterType": "huge"}, "'huge' is not one of basic, standard, dedicated"),
        ({"confluentClusterType": "dedicated"}, "confluentCku: 0 is too few for a dedicated"),
        ({"confluentCku": "2"}, "confluentCku: 2 is only for confluentClusterType dedicated"),
        ({"confluentCloud": "aws"}, "confluentCloud: 'aws' is not one of AWS, GCP, AZURE"),
        ({"topics": '[{"name": "t", "partitions": 0}]'}, "topics[0].partitions: 0 is not a whole"),
        ({"kubernetesVersion": "1.21"}, "kubernetesVersion: '1.21' is not one of 1."),
        ({"clusterRegion": "us-west"}, "clusterRegion: 'us-west' is no AWS region"),
        ({"nodes": "0"}, "nodes: 0 is not a whole number from 1 to 450"),
        ({"nodes": "3", "maxNodes": "2"}, "maxNodes: 2 is less than nodes, 3"),
        ({"vpcCidr": "10.0.0.1/16"}, "vpcCidr: '10.0.0.1/16' is no IPv4 network"),
        ({"vpcCidr": "10.0.0.0/22"}, "vpcCidr: '10.0.0.0/22' is not a network of size"),
        ({"vpcCidr": "52.0.0.0/16"}, "vpcCidr: '52.0.0.0/16' is not private; allowed: within"),
        ({"natGateways": "3"}, "natGateways: 3 is more than zones, 2"),
        ({"zones": "1"}, "zones: 1 is not a whole number from 2 to 6"),
        ({"publicAccessCidrs": '["everyone"]'}, "publicAccessCidrs: 'everyone' is no IPv4 network"),
        (
            {"publicEndpoint": "false"},
            "publicEndpoint: False, and nothing says from where the Kubernetes API is reached; set",
        ),
        (
            {"privateAccessCidrs": '["0.0.0.0/0"]'},
            "privateAccessCidrs: '0.0.0.0/0' is every network; allowed: those that need access",
        ),
        ({"privateAccessCidrs": '["office"]'}, "privateAccessCidrs: 'office' is no IPv4 network"),
        ({"peerCidr": "192.168.0.0/24"}, "peerCidr: without peerVpcId"),
        ({**PEER, "peerVpcId": "shared"}, "peerVpcId: 'shared' is not the id of a VPC such as"),
        ({**PEER, "peerCidr": ""}, "peerCidr: missing; the network of peerVpcId is routed to"),
        ({**PEER, "peerCidr": "10.0.4.0/24"}, "peerCidr: '10.0.4.0/24' overlaps vpcCidr, 10.0.0.0"),
        (
            {**PEER, "peerRouteTableIds": "[]"},
            "peerRouteTableIds: missing; without a route nothing",
        ),
        ({**PEER, "peerRouteTableIds": '["main"]'}, "peerRouteTableIds: 'main' is not the id of a"),
        ({"adminArns": '["me"]'}, "adminArns: 'me' is not the ARN of an IAM role or user"),
        ({"clusterMode": "fargate"}, "clusterMode: 'fargate' is not one of nodegroup, auto"),
        ({"cluster": "existing"}, "kubeconfig: missing; an existing cluster is reached with it"),
        ({"controlPlane": "konnect"}, "konnectToken: missing; Konnect is called with it: set it"),
        (
            {"controlPlane": "konnect", "konnectToken": "t", "konnectRegion": "mars"},
            "konnectRegion: 'mars' is not one of us, eu, au",
        ),
        ({"clusterServerName": "cp"}, "clusterServerName: 'cp' without clusterControlPlane"),
        ({"clusterControlPlane": "cp:1"}, "clusterControlPlane: only used with controlPlane exist"),
        ({"clusterCaPem": "PEM"}, "clusterCaPem: only used with controlPlane existing"),
        ({"controlPlane": "existing"}, "adminUrl: missing"),
        ({"controlPlane": "existing"}, "clusterCaPem: missing; data planes verify the control"),
        (
            {"kafka": "existing", "kafkaCaPem": "/etc/ca.crt"},
            "kafkaCaPem: holds no certificate; allowed: PEM text",
        ),
        ({"adminUrl": "admin.example"}, "adminUrl: 'admin.example' is no address such as https"),
        ({"keyringGeneration": "0"}, "keyringGeneration: 0 is not a whole number from 1 to 1000"),
        ({"imageDigest": ""}, "imageDigest: missing; our image is only deployed by digest"),
        ({"imageDigest": "latest"}, "imageDigest: 'latest' is not sha256: and 64 hex digits"),
        ({"replicas": "4", "maxReplicas": "2"}, "maxReplicas: 2 is less than replicas, 4"),
        ({"protect": "yes"}, "protect: 'yes' is neither true nor false"),
        ({"tags": '{"a": 1}'}, "tags.a: 1 is not a text"),
        ({"kafka": "existing"}, "kafkaApiKey: missing; an existing Kafka is reached with it"),
        (
            {"kafka": "existing", "kafkaBootstrapServers": "a.example"},
            "kafkaBootstrapServers: 'a.example' is not host:port",
        ),
        (
            {"kafka": "existing", "kafkaBootstrapServers": "a.example:1,https://b.example:9092/"},
            "kafkaBootstrapServers: 'https://b.example:9092/' is a URL; write 'b.example' as host",
        ),
        (
            {"kafka": "existing", "kafkaBootstrapServers": "a.example:0"},
            "kafkaBootstrapServers: 0 is no port to connect to",
        ),
        ({"adminUrl": "https://a.example:0"}, "adminUrl: 'https://a.example:0': 0 is no port"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(
    changes: dict[str, str], said: str
) -> None:
    assert said in problems(**changes)
