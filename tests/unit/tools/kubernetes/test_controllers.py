# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.kubernetes import controllers
from tools.kubernetes.layout import NODE_ADDRESS


class NotedApi:
    """An API that notes what is asked of it."""

    def __init__(self) -> None:
        self.created: list[tuple[str, Any]] = []
        self.merged: list[tuple[str, Any]] = []

    def create(self, path: str, body: Any) -> None:
        self.created.append((path, body))

    def merge(self, path: str, body: Any) -> None:
        self.merged.append((path, body))


def service(kind: str, **status: Any) -> dict[str, Any]:
    meta = {"namespace": "n", "name": "s"}
    return {"metadata": meta, "spec": {"type": kind}, "status": {"loadBalancer": status}}


def test_a_load_balancer_gets_the_nodes_address_once() -> None:
    api = NotedApi()
    controllers.balance(api, service("LoadBalancer"))
    assert [path for path, _ in api.merged] == ["/api/v1/namespaces/n/services/s/status"]
    assert NODE_ADDRESS in json.dumps(api.merged)
    for known in (service("ClusterIP"), service("LoadBalancer", ingress=[{"ip": "1.2.3.4"}])):
        controllers.balance(api, known)
    assert len(api.merged) == 1


@pytest.mark.parametrize(("phase", "made"), [("Pending", 1), ("Bound", 0)])
def test_a_waiting_claim_gets_a_folder_of_the_run(tmp_path: Path, phase: str, made: int) -> None:
    api = NotedApi()
    claim = {
        "metadata": {"namespace": "n", "name": "c", "uid": "u1"},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]},
        "status": {"phase": phase},
    }
    controllers.provide(api, claim, tmp_path)
    assert len(api.created) == made
    assert (tmp_path / "u1").is_dir() == bool(made)
