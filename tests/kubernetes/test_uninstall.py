# SPDX-License-Identifier: Apache-2.0
"""The end of the story: last by name, since the tests before share the stack."""

from __future__ import annotations

import pytest

from tests.kubernetes.cluster import Cluster, timed
from tests.kubernetes.stack import ExistingStack

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]


def test_destroy_leaves_nothing_in_the_cluster(cluster: Cluster, stack: ExistingStack) -> None:
    with timed("pulumi destroy"):
        stack.change("destroy")
    namespaces = {item["metadata"]["name"] for item in cluster.get("namespaces")["items"]}
    assert "kong-dp" not in namespaces
    assert not stack.resources()
