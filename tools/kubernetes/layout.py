# SPDX-License-Identifier: Apache-2.0
"""Addresses of the lab, which exist only in its network namespace, and the files of one run."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from tools.kubernetes.packages import ROOT

STATE = ROOT / ".state" / "kubernetes"
NODE_ADDRESS = "10.123.0.1"
"""Where the API, kubelet and DNS answer, and what load balancers get: never loopback, which a pod
would take for itself.
"""
POD_NETWORK = "10.244.0.0/24"
"""Not buildah's own network, 10.88.0.0/16."""
SERVICE_NETWORK = "10.96.0.0/16"
API_PORT = 16443
API = f"https://{NODE_ADDRESS}:{API_PORT}"
API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
API_ADDRESSES = (NODE_ADDRESS, "10.96.0.1", "127.0.0.1")
ETCD = "http://127.0.0.1:22379"


@dataclass(frozen=True)
class Node:
    """One node of the cluster, all of which share the lab's network."""

    name: str
    address: str
    runtime: str
    """Folder of its containerd's socket, in the lab's own /run."""
    healthz_port: int

    @property
    def socket(self) -> str:
        """Where its containerd listens."""
        return f"{self.runtime}/containerd.sock"

    @property
    def containerd(self) -> str:
        """Name of its container runtime among the components."""
        return f"containerd-{self.name}"

    @property
    def kubelet(self) -> str:
        """Name of its kubelet among the components, and of that one's kubeconfig."""
        return f"kubelet-{self.name}"


FIRST = Node("node1", NODE_ADDRESS, "/run/containerd", 10248)
SECOND = Node("node2", "10.123.0.2", "/run/containerd-node2", 10258)
"""Joins when it is asked for: what drains a node needs another one."""
NODES = (FIRST, SECOND)
USERS = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("controller-manager", "system:masters"),
    "scheduler": ("system:kube-scheduler", ""),
    **{node.kubelet: (f"system:node:{node.name}", "system:nodes") for node in NODES},
    "proxy": ("system:kube-proxy", ""),
}
"""Label to user name and group."""


@dataclass(frozen=True)
class Run:
    """The folder of one run. Its name is also that of the run's control group."""

    folder: Path

    @classmethod
    def new(cls) -> Run:
        """Return one that no other run has."""
        return cls(STATE / f"kafka-gateway-lab-{uuid.uuid4().hex[:8]}")

    @property
    def name(self) -> str:
        """Name of the folder and of the control group."""
        return self.folder.name

    def file(self, *parts: str) -> Path:
        """Return a path below the folder, whose parent is there."""
        found = self.folder.joinpath(*parts)
        found.parent.mkdir(parents=True, exist_ok=True)
        return found

    def log(self, name: str) -> Path:
        """Return the log of a component."""
        return self.file("log", f"{name}.log")

    def kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of one of ``USERS``."""
        return self.file(f"{user}.kubeconfig")


def kubeconfig(authority: str, token: str) -> str:
    """Return a kubeconfig that needs no other file; ``authority`` is PEM in base64."""
    cluster = {"server": API, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "lab", "user": {"token": token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
            "current-context": "lab",
        }
    )
