# SPDX-License-Identifier: Apache-2.0
"""Objects that one component hands on to another become the program's own dataclasses."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.package.wire import (
    certificates_of,
    cluster_of,
    control_plane_of,
    kafka_access,
    kafka_of,
)
from tests.support.registrations import register

KAFKA = {"bootstrapServers": "a:9092, b:9093", "apiKey": "key", "apiSecret": "hidden"}


@pytest.mark.parametrize("whole", [True, False])
def test_a_kafka_comes_as_one_value_or_as_one_of_values(whole: bool) -> None:
    values: list[Any] = []

    def program() -> None:
        entries = {name: pulumi.Output.from_input(value) for name, value in KAFKA.items()}
        given: Any = pulumi.Output.from_input(KAFKA) if whole else entries
        kafka = kafka_of(given, own_authority=False, registry=False)
        assert kafka.ca_pem is None
        assert kafka.schema_registry is None
        pulumi.Output.all(kafka.bootstrap_servers, kafka.api_key, kafka.api_secret).apply(
            values.extend
        )

    register(program)
    servers = [{"host": "a", "port": 9092}, {"host": "b", "port": 9093}]
    assert values == [servers, "key", "hidden"]


@pytest.mark.parametrize("more", [{}, {"caPem": "PEM"}])
@pytest.mark.parametrize("registry", [{}, {"registryUrl": "u", "registryKey": "k"}])
def test_a_kafka_is_handed_on_as_it_came(more: dict[str, str], registry: dict[str, str]) -> None:
    given = {**KAFKA, "readerKey": "r", "readerSecret": "hidden too", **more, **registry}
    if registry:
        given["registrySecret"] = "hidden as well"
    given["bootstrapServers"] = "a:9092,b:9093"
    values: list[Any] = []

    def program() -> None:
        kafka = kafka_of(given, own_authority=bool(more), registry=bool(registry))
        pulumi.Output.all(**kafka_access(kafka)).apply(values.append)

    register(program)
    assert values == [given]


def test_an_authority_and_a_registry_are_there_when_the_program_says_so() -> None:
    values: list[Any] = []

    def program() -> None:
        given = {**KAFKA, "caPem": "PEM", "registryUrl": "https://r", "registryKey": "rk"}
        kafka = kafka_of(given, own_authority=True, registry=True)
        assert kafka.ca_pem is not None
        assert kafka.schema_registry is not None
        pulumi.Output.all(kafka.ca_pem, kafka.schema_registry.url).apply(values.extend)

    register(program)
    assert values == ["PEM", "https://r"]


def test_a_control_plane_is_reached_by_its_address_or_through_the_cluster() -> None:
    values: list[Any] = []

    def program() -> None:
        given = {"cluster": "cp:8005", "serverName": "cp", "forwardPod": "pod-0"}
        direct = control_plane_of({**given, "adminUrl": "http://a"}, None)
        assert direct.forward is None
        through = control_plane_of(given, "kubeconfig")
        assert through.forward is not None
        forward = through.forward
        pulumi.Output.all(direct.admin_url, forward["kubeconfig"], forward["pod"]).apply(
            values.extend
        )

    register(program)
    assert values == ["http://a", "kubeconfig", "pod-0"]


def test_what_goes_into_a_cluster_comes_after_what_it_was_given() -> None:
    values: list[Any] = []
    certificates = {
        "authorityPem": "CA", "certificatePem": "CERT", "privateKeyPem": "KEY", "fingerprint": "f",
    }  # fmt: skip

    def program() -> None:
        arguments = {
            "kubeconfig": {"clusters": [], "apiVersion": "v1"},
            "cluster_identifier": "one",
            "load_balancer": {"keepsAddresses": True, "cidrs": ["10.0.0.0/24"]},
        }
        cluster = cluster_of("it", arguments, certificates)
        assert cluster.load_balancer.keeps_addresses
        assert cluster.load_balancer.cidrs == ("10.0.0.0/24",)
        found = certificates_of(certificates, "gateway", cluster)
        assert found.namespace.name == "gateway"
        pulumi.Output.all(
            cluster.kubeconfig, found.identity.ca_pem, found.data_plane_fingerprint
        ).apply(values.extend)

    (provider,) = register(program)
    assert provider.inputs["clusterIdentifier"] == "one"
    # A program in YAML makes an object of a text that is JSON: it is always the same text.
    assert values == ['{"apiVersion": "v1", "clusters": []}', "CA", "f"]
