# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.cloud import ConfluentConfig, ExistingKafkaConfig, read_cloud
from components.config.control_plane import KonnectConfig
from components.config.kubernetes import EksConfig
from components.config.reader import ConfigError, ConfigReader

DIGEST = "sha256:" + "0" * 64
OWN = {"imageDigest": DIGEST}


ARN = "arn:aws:acm:{}:123456789012:certificate/00000000-0000-0000-0000-000000000000"
ZONE = "Z0123456789ABC"


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
    assert not config.makes_topics
    assert read_cloud(ConfigReader("prod", OWN)).makes_topics


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"namespace": "Bad_NS"}, "namespace: 'Bad_NS' is not a name of lower-case letters"),
        ({"namespace": ""}, "namespace: '' is not a name"),
        (
            {"certificateArn": "my-cert"},
            "certificateArn: 'my-cert' is not the ARN of a certificate",
        ),
        ({"hostname": "https://a.example.com"}, "hostname: 'https://a.example.com' is not a name"),
        ({"hostname": "gateway"}, "hostname: 'gateway' is not a name"),
        (
            {"confluentRegion": "ohio"},
            "confluentRegion: 'ohio' is no region of AWS",
        ),
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
        (
            {"kafka": "existing", "kafkaCaPem": "/etc/ca.crt"},
            "kafkaCaPem: holds no certificate; allowed: PEM text",
        ),
        ({"imageDigest": ""}, "imageDigest: missing; our image is only deployed by digest"),
        ({"imageDigest": "latest"}, "imageDigest: 'latest' is not sha256: and 64 hex digits"),
        ({"replicas": "4", "maxReplicas": "2"}, "maxReplicas: 2 is less than replicas, 4"),
        ({"protect": "yes"}, "protect: 'yes' is neither true nor false"),
        ({"tags": '{"a": 1}'}, "tags.a: 1 is not a text"),
        ({"tags": '{"stack": "mine"}'}, "tags.stack: set by the program, to the stack's name; use"),
        ({"tags": '{"project": "x"}'}, "tags.project: set by the program, to the project's name"),
        ({"tags": '{"Name": "x"}'}, "tags.Name: set by the program, to each resource's name; use"),
        ({"tags": '{"aws:owner": "x"}'}, "tags.aws:owner: a name that AWS or Kubernetes keeps"),
        ({"tags": '{"a#": "x"}'}, "tags.a#: no tag: 1 to 128 letters, digits, spaces and _.:/=+-@"),
        ({"tags": '{"a": "x;y"}'}, "tags.a: 'x;y' has more than letters, digits and _.:/=+-@"),
        (
            {"hostname": "api.example.com"},
            "hostname: 'api.example.com' without a certificate: clients would send API keys in "
            "clear; set certificateArn, or certificateZone to have one made",
        ),
        (
            {"clusterRegion": "us-east-2", "certificateArn": ARN.format("us-west-1")},
            "certificateArn: a certificate of us-west-1, and the load balancer is in us-east-2",
        ),
        ({"certificateZone": "example.com"}, "certificateZone: 'example.com' is not the id of a"),
        ({"certificateZone": ZONE}, "certificateZone: without hostname; set the name to certify"),
        (
            {"certificateZone": ZONE, "certificateArn": ARN.format("us-west-1")},
            "certificateZone: beside certificateArn; set one of the two",
        ),
        (
            {"certificateZone": ZONE, "cluster": "existing", "kubeconfig": "{}"},
            "certificateZone: only used with cluster eks",
        ),
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
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(
    changes: dict[str, str], said: str
) -> None:
    assert said in problems(**changes)
