# SPDX-License-Identifier: Apache-2.0
"""Kubernetes: objects by namespace and name, Helm releases, load balancers that get a hostname."""

from __future__ import annotations

import json
from typing import Any

from provider.values import UNKNOWN
from tools.stubs.package import Package, Properties, StubType, digits
from tools.stubs.world import World

NAME = ("metadata", "name")


def _identity(seed: str, inputs: Properties) -> str:
    metadata = inputs["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


def _renamed(old: Properties, new: Properties) -> set[str]:
    def place(side: Properties) -> tuple[Any, Any]:
        return side["metadata"].get("name"), side["metadata"].get("namespace")

    return {"metadata"} if place(old) != place(new) else set()


def _secret_replacing(old: Properties, new: Properties) -> set[str]:
    kind = {"type"} if old.get("type") != new.get("type") else set()
    return kind | _renamed(old, new)


def _release(identity: str, inputs: Properties) -> Properties:
    return {
        "status": {
            "name": inputs.get("name"),
            "namespace": inputs.get("namespace"),
            "status": "deployed",
            "revision": 1,
            "chart": inputs.get("chart"),
            "version": inputs.get("version"),
        },
        "resourceNames": {},
    }


def _service(identity: str, inputs: Properties) -> Properties:
    namespace, _, name = identity.partition("/")
    hostname = f"{digits(identity, 32)}-{digits(name, 16)}.elb.stub.amazonaws.com"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "LoadBalancer"},
        "status": {"loadBalancer": {"ingress": [{"hostname": hostname}]}},
    }


def _reconfigured(old: Properties, new: Properties) -> set[str]:
    """Another cluster is another provider (pulumi-kubernetes, `DiffConfig`).

    Its identifier decides once it has one; else the server, and one that is not known is another.
    """
    if old.get("clusterIdentifier"):
        same = old["clusterIdentifier"] == new.get("clusterIdentifier")
        return set() if same else {"clusterIdentifier"}
    return set() if _server(old) == _server(new) else {"kubeconfig"}


def _server(config: Properties) -> str:
    """Return the address of the cluster that a kubeconfig names; it is the place of its objects."""
    text = config.get("kubeconfig")
    if not isinstance(text, str) or text == UNKNOWN:
        return UNKNOWN
    clusters = json.loads(text).get("clusters") or [{}]
    return str(clusters[0].get("cluster", {}).get("server", ""))


def _unreachable(place: str, world: World) -> str:
    """Tell what the provider says when a cluster of the world is gone."""
    if ".stub.eks." not in place:
        return ""
    clusters = (t for t in world.things() if t.type == "aws:eks/cluster:Cluster")
    if any(cluster.outputs["endpoint"] == place for cluster in clusters):
        return ""
    return "configured Kubernetes cluster is unreachable: unable to load schema information"


PACKAGE = Package(
    name="kubernetes",
    reconfigured=_reconfigured,
    place=_server,
    unreachable=_unreachable,
    types={
        "kubernetes:core/v1:Namespace": StubType(
            _identity, replacing=_renamed, autoname=NAME, delete_before_replace=True
        ),
        "kubernetes:core/v1:Secret": StubType(
            _identity,
            # Its data is always secret, given or not.
            secrets=("data", "stringData"),
            replacing=_secret_replacing,
            autoname=NAME,
            delete_before_replace=True,
        ),
        "kubernetes:core/v1:Service": StubType(_identity, _service, autoname=NAME),
        "kubernetes:core/v1:ConfigMap": StubType(
            _identity, replacing=_renamed, autoname=NAME, delete_before_replace=True
        ),
        "kubernetes:core/v1:PersistentVolumeClaim": StubType(
            _identity,
            replacing=_renamed,
            autoname=NAME,
            delete_before_replace=True,
            unique=True,
            taken="AlreadyExists",
        ),
        **{
            f"kubernetes:{kind}": StubType(
                _identity, replacing=_renamed, autoname=NAME, delete_before_replace=True
            )
            for kind in (
                "rbac.authorization.k8s.io/v1:ClusterRole",
                "rbac.authorization.k8s.io/v1:ClusterRoleBinding",
                "rbac.authorization.k8s.io/v1:Role",
                "rbac.authorization.k8s.io/v1:RoleBinding",
                "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
                "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding",
            )
        },
        "kubernetes:storage.k8s.io/v1:StorageClass": StubType(
            _identity, replacing=_renamed, autoname=NAME, delete_before_replace=True
        ),
        "kubernetes:helm.sh/v3:Release": StubType(
            lambda seed, inputs: f"{inputs['namespace']}/{inputs['name']}",
            _release,
            replaces=("name", "namespace"),
            autoname=("name",),
            delete_before_replace=True,
        ),
    },
)
