# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi

from components.cloud.kubernetes import kubernetes_provider
from tests.support.cloud import answer, given_cluster
from tests.support.registrations import register


def test_an_object_in_a_cluster_names_it_and_goes_with_it() -> None:
    def make() -> None:
        cluster = given_cluster()
        parent = pulumi.ComponentResource("test:index:Whole", "whole")
        first = pulumi.CustomResource("kubernetes:core/v1:Secret", "first", {})
        options = cluster.options(parent, first)
        pulumi.CustomResource("kubernetes:core/v1:Secret", "second", {}, options)

    second = {one.name: one for one in register(make, answer)}["second"]
    assert "::cluster-kubernetes" in second.provider
    assert second.parent.endswith("::whole")
    assert second.depends_on("first")
    assert second.deleted_with.endswith("::cluster")


def test_a_provider_is_known_by_its_identifier_and_waits_for_the_way_to_its_cluster() -> None:
    def make() -> None:
        parent = pulumi.ComponentResource("test:index:Whole", "whole")
        way = pulumi.CustomResource("test:index:Thing", "way", {})
        kubeconfig = pulumi.Output.secret("{}")
        kubernetes_provider("named", kubeconfig, "theirs", parent, way, after=[way])
        kubernetes_provider("unnamed", kubeconfig, "", parent, None)

    found = {one.name: one for one in register(make, answer)}
    assert found["named"].inputs["clusterIdentifier"] == "theirs"
    assert found["named"].is_secret("kubeconfig")
    assert found["named"].depends_on("way")
    assert "clusterIdentifier" not in found["unnamed"].inputs
