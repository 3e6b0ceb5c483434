# SPDX-License-Identifier: Apache-2.0
"""What is brought along: a whole stack each time, since the point is what is not made elsewhere."""

from __future__ import annotations

from tests.support.authority import Authority
from tests.support.cloud import of, stand_up


def test_an_existing_kafka_makes_nothing() -> None:
    found = stand_up(
        "dev",
        kafka="existing",
        kafkaBootstrapServers="broker.example.com:9093",
        kafkaApiKey="key",
        kafkaApiSecret="hush",
        kafkaCaPem=Authority().pem,
    )
    assert not [one for one in found if one.type.startswith("confluentcloud:")]
    assert of(found, "kubernetes:core/v1:Secret")["data-plane-kafka-ca-secret"]
    release = of(found, "kubernetes:helm.sh/v3:Release")["data-plane"].inputs["values"]
    assert "kafka-ca" in release["secretVolumes"]
    trusted = release["env"]["lua_ssl_trusted_certificate"]
    assert trusted == "system,/etc/secrets/kong-cluster-ca/ca.crt,/etc/secrets/kafka-ca/ca.crt"


def test_an_existing_cluster_makes_nothing_in_a_cloud() -> None:
    found = stand_up("dev", cluster="existing", kubeconfig="{}", clusterIdentifier="theirs")
    assert not [one for one in found if one.type.startswith(("aws:", "eks:"))]
    (provider,) = of(found, "pulumi:providers:kubernetes").values()
    assert provider.is_secret("kubeconfig")
    assert provider.inputs["clusterIdentifier"] == "theirs"


def test_an_existing_control_plane_makes_no_release_of_one() -> None:
    found = stand_up(
        "dev",
        controlPlane="existing",
        adminUrl="https://admin.example.com",
        adminToken="hush",
        clusterControlPlane="cp.example.com:8005",
        clusterCaPem=Authority().pem,
    )
    assert set(of(found, "kubernetes:helm.sh/v3:Release")) == {
        "data-plane",
        "cluster-autoscaler",
    }
    values = of(found, "kubernetes:helm.sh/v3:Release")["data-plane"].inputs["values"]
    assert values["env"]["cluster_control_plane"] == "cp.example.com:8005"
    assert values["env"]["cluster_server_name"] == "cp.example.com"
