# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pulumi

from components.cloud.helm import kong_chart, own_chart, release
from tests.support.cloud import answer, given_cluster
from tests.support.registrations import Registration, register


def released(*, uninstall: bool = False) -> Registration:
    def make() -> None:
        cluster = given_cluster()
        parent = pulumi.ComponentResource("test:index:Whole", "whole")
        release("one", own_chart(), "dp", "ns", {}, cluster, parent, uninstall=uninstall)

    return {one.name: one for one in register(make, answer)}["one"]


def test_our_charts_path_is_the_same_on_every_machine_and_its_version_follows_its_content() -> None:
    assert own_chart().chart == "./gateway/chart"
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", own_chart().version)
    assert kong_chart().repository.startswith("https://")


def test_an_interrupted_release_recovers() -> None:
    inputs = released().inputs
    assert inputs["atomic"] is True
    assert inputs["cleanupOnFail"] is True
    assert inputs["createNamespace"] is False, "the secrets in it came first"
    assert inputs["values"]["nameOverride"] == "kong"


def test_it_comes_after_nodes_and_storage_and_goes_with_the_cluster() -> None:
    one = released()
    assert one.depends_on("cluster-nodes")
    assert one.depends_on("cluster-storage")
    assert one.deleted_with.endswith("::cluster")


def test_one_that_made_something_outside_is_uninstalled_even_then() -> None:
    assert released(uninstall=True).deleted_with == ""
