# SPDX-License-Identifier: Apache-2.0
"""Stands in for ``pulumi-resource-kubernetes`` and really applies: by kubectl and helm.

The plugin itself comes from a place that tests cannot reach; where it is installed, the tests use
it instead. What differs from it: there is no schema, what a change replaces is the stubs' table,
and objects are read back from what was applied, but for Services, which are read from the cluster.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent import futures
from pathlib import Path
from typing import Any, NoReturn

from provider.bare_sdk import expose_protocol_only

expose_protocol_only()

import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc  # noqa: E402

from provider.serving import serve_the_engine  # noqa: E402
from provider.values import decode, encode  # noqa: E402
from tools.stubs.package import Properties  # noqa: E402
from tools.stubs.servicer import StubProvider  # noqa: E402
from tools.stubs.world import Thing, World  # noqa: E402

RELEASE = "kubernetes:helm.sh/v3:Release"
SERVICE = "kubernetes:core/v1:Service"
WAIT_FOR = "pulumi.com/waitFor"
"""The plugin's annotation that says when an object counts as ready."""
KINDS = {
    "kubernetes:core/v1:Namespace": ("v1", "Namespace"),
    "kubernetes:core/v1:Secret": ("v1", "Secret"),
    SERVICE: ("v1", "Service"),
    "kubernetes:core/v1:PersistentVolumeClaim": ("v1", "PersistentVolumeClaim"),
}
MANAGER = "pulumi-kubernetes"


class ApplyingProvider(StubProvider):
    """The stub, but what it creates, updates and deletes is in the cluster of its kubeconfig."""

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            return super().Create(request, context)
        inputs, hidden = self._secret_paths(request.urn, request.properties, context)
        identity, outputs = self._apply(_type(request.urn), inputs, context)
        thing = Thing(_type(request.urn), identity, request.urn, inputs, outputs)
        self._world.put("create", thing)
        return provider_pb2.CreateResponse(id=identity, properties=encode(outputs, hidden))

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return super().Update(request, context)
        inputs, hidden = self._secret_paths(request.urn, request.news, context)
        _, outputs = self._apply(_type(request.urn), inputs, context)
        thing = Thing(_type(request.urn), request.id, request.urn, inputs, outputs)
        self._world.put("update", thing)
        return provider_pb2.UpdateResponse(properties=encode(outputs, hidden))

    def Delete(self, request: Any, context: Any) -> Any:
        token = _type(request.urn)
        namespace, _, name = request.id.rpartition("/")
        if token == RELEASE:
            words = ("uninstall", name, "--namespace", namespace, "--ignore-not-found")
            self._run(context, "helm", *words, "--wait", "--timeout", "300s")
        else:
            within = ("--namespace", namespace) if namespace else ()
            words = ("delete", KINDS[token][1].lower(), name, *within, "--ignore-not-found")
            self._run(context, "kubectl", *words, "--wait=true", "--timeout=120s")
        self._world.remove(token, request.id, request.urn)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:
        if _type(request.urn) != SERVICE or request.inputs.fields:
            return super().Read(request, context)
        namespace, _, name = request.id.rpartition("/")
        words = ("get", "service", name, "--namespace", namespace, "--output", "json")
        found = json.loads(self._run(context, "kubectl", *words))
        outputs = {key: found[key] for key in ("apiVersion", "kind", "spec", "status")}
        outputs["metadata"] = {"name": name, "namespace": namespace}
        return provider_pb2.ReadResponse(id=request.id, properties=encode(outputs, set()))

    def _secret_paths(self, urn: str, given: Any, context: Any) -> tuple[Properties, Any]:
        kind = self._kind(urn, context)
        inputs, secrets = decode(given)
        return inputs, {*secrets, *((name,) for name in kind.secrets)}

    def _apply(self, token: str, inputs: Properties, context: Any) -> tuple[str, Properties]:
        if token == RELEASE:
            return self._release(inputs, context)
        version, kind = KINDS[token]
        document = json.dumps({**inputs, "apiVersion": version, "kind": kind})
        words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}")
        self._run(context, "kubectl", *words, "--filename", "-", given=document)
        meta = inputs["metadata"]
        if kind == "Namespace":
            # The plugin waits as well: pods need the account that a controller makes.
            account = ("--for=create", "serviceaccount/default", "--namespace", meta["name"])
            self._run(context, "kubectl", "wait", *account, "--timeout=60s")
        namespace = meta.get("namespace")
        if condition := meta.get("annotations", {}).get(WAIT_FOR):
            what = (f"--for={condition}", f"{kind.lower()}/{meta['name']}")
            within = ("--namespace", namespace) if namespace else ()
            self._run(context, "kubectl", "wait", *what, *within, "--timeout=60s")
        return (f"{namespace}/{meta['name']}" if namespace else meta["name"]), dict(inputs)

    def _release(self, inputs: Properties, context: Any) -> tuple[str, Properties]:
        name, namespace, chart = inputs["name"], inputs["namespace"], inputs["chart"]
        words = ["upgrade", "--install", name, chart, "--namespace", namespace, "--wait"]
        words += ["--timeout", f"{int(inputs.get('timeout', 300))}s"]
        words += ["--history-max", str(int(inputs.get("maxHistory", 10)))]
        if inputs.get("atomic"):
            words.append(_undo_flag(self._run(context, "helm", "upgrade", "--help")))
        if inputs.get("cleanupOnFail"):
            words.append("--cleanup-on-fail")
        if inputs.get("repositoryOpts"):
            words += ["--repo", inputs["repositoryOpts"]["repo"], "--version", inputs["version"]]
        values = json.dumps(inputs.get("values") or {})
        self._run(context, "helm", *words, "--values", "-", given=values)
        about = ("status", name, "--namespace", namespace, "--output", "json")
        found = json.loads(self._run(context, "helm", *about))
        status = {
            "name": name,
            "namespace": namespace,
            "status": found["info"]["status"],
            "revision": found["version"],
            "chart": chart,
            "version": inputs.get("version"),
        }
        return f"{namespace}/{name}", {**inputs, "status": status, "resourceNames": {}}

    def _run(self, context: Any, *command: str, given: str = "") -> str:
        """Run a command against the cluster; what it says of a failure is the operation's error."""
        config = self._configs.get(context.peer(), {}).get("kubeconfig", "")
        with tempfile.NamedTemporaryFile("w", prefix="kubeconfig-") as file:
            file.write(str(config))
            file.flush()
            done = subprocess.run(
                command,
                input=given,
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "KUBECONFIG": file.name},
            )
        if done.returncode:
            context.abort(grpc.StatusCode.UNKNOWN, done.stderr[-3000:])
        return done.stdout


def _undo_flag(help_text: str) -> str:
    """Return the flag with which helm undoes a release that does not get ready: 4's, or 3's."""
    newer = "--rollback-on-failure"
    return newer if newer in help_text else "--atomic"


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def serve(version: str) -> NoReturn:
    """Serve the engine on a free loopback port until interrupted or orphaned."""
    parent = os.getppid()
    module = importlib.import_module("tools.stubs.packages.kubernetes")
    world = World(Path(os.environ["STUB_WORLD"]))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    servicer = ApplyingProvider(module.PACKAGE, version, world)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    serve_the_engine(server, parent)


if __name__ == "__main__":
    serve(sys.argv[1])
