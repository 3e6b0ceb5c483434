# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for what a cloud adds to a cluster: load balancers and volumes.

Every Service of type LoadBalancer gets the node's address, where kube-proxy serves it; every
claim for a volume gets a folder of the run's.
"""

from __future__ import annotations

import socket
import struct
import time
import urllib.request
from pathlib import Path
from typing import Any, Protocol

from tools.kubernetes.api import Api
from tools.kubernetes.layout import FIRST, NODE_ADDRESS

EVERY = 0.3
"""Seconds between two looks."""


def run(api: Api, volumes: Path) -> None:
    """Do the controllers' work for ever."""
    while True:
        try:
            for service in api.get("/api/v1/services")["items"]:
                balance(api, service)
            for claim in api.get("/api/v1/persistentvolumeclaims")["items"]:
                provide(api, claim, volumes)
        except OSError:
            # The server is busy or an object has just gone: the next look finds what is left.
            pass
        time.sleep(EVERY)


class Writes(Protocol):
    """What of the API changes something."""

    def create(self, path: str, body: Any) -> None:
        """Make an object."""

    def merge(self, path: str, body: Any) -> None:
        """Change an object."""


def balance(api: Writes, service: dict[str, Any]) -> None:
    """Give a Service that waits for a load balancer the node's address."""
    known = service.get("status", {}).get("loadBalancer", {}).get("ingress")
    if service["spec"].get("type") != "LoadBalancer" or known:
        return
    meta = service["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}/status"
    api.merge(path, {"status": {"loadBalancer": {"ingress": [{"ip": NODE_ADDRESS}]}}})


def provide(api: Writes, claim: dict[str, Any], volumes: Path) -> None:
    """Give a claim that waits for a volume a folder below ``volumes``."""
    if claim.get("status", {}).get("phase") != "Pending":
        return
    meta, spec = claim["metadata"], claim["spec"]
    folder = volumes / meta["uid"]
    folder.mkdir(parents=True, exist_ok=True)
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [FIRST.name]}
    names = {name: meta[name] for name in ("namespace", "name", "uid")}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{meta['uid']}"},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": spec.get("storageClassName") or "",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **names},
        },
    }
    api.create("/api/v1/persistentvolumes", volume)


def answers(url: str) -> bool:
    """Tell whether a URL of the lab answers with success; OSError where nothing listens."""
    with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - the lab's own
        return bool(response.status == 200)


def resolves(server: str, name: str) -> bool:
    """Tell whether a DNS server knows an address (RFC 1035) of ``name``."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.sendto(question, (server, 53))
        reply = client.recv(512)
    return reply[3] & 15 == 0 and reply[7] > 0
