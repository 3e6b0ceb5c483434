# SPDX-License-Identifier: Apache-2.0
"""Write tests/vectors/kubernetes: the schemas of what the chart renders, for each Kubernetes.

``python -m tools.kubernetes.schemas`` takes them from the Go modules that ``MODULES`` pins: the
OpenAPI of each supported Kubernetes, and the custom resources of the Gateway API, of KEDA and of
Prometheus' operator. Descriptions are left out. An object's unknown fields are an error, as they
are to the API with ``fieldValidation=Strict``.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.stubs.install import ROOT

FOLDER = ROOT / "tests" / "vectors" / "kubernetes"
KUBERNETES = {"1.33": "1.33.4", "1.34": "1.34.4", "1.35": "1.35.4", "1.36": "1.36.3"}
GATEWAY_API, KEDA = "sigs.k8s.io/gateway-api@v1.4.0", "github.com/kedacore/keda/v2@v2.18.0"
PROMETHEUS = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
KINDS = {
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    **{
        f"v1/{kind}": f"io.k8s.api.core.v1.{kind}"
        for kind in ("ConfigMap", "Pod", "Service", "ServiceAccount")
    },
}
CUSTOM = {
    GATEWAY_API: (
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
        "config/crd/experimental/gateway.networking.k8s.io_tlsroutes.yaml",
    ),
    KEDA: ("config/crd/bases/keda.sh_scaledobjects.yaml",),
    PROMETHEUS: tuple(
        f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
        for kind in ("servicemonitors", "podmonitors")
    ),
}
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
KEPT = (
    *("type", "properties", "required", "items", "additionalProperties", "enum", "pattern"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "$ref"),
)


def module(name: str) -> Path:
    """Return the folder of a Go module, fetched if it is not there."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", name], capture_output=True, text=True, check=True
    )
    return Path(json.loads(done.stdout)["Dir"])


def of_kubernetes(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions that ``KINDS`` reach, and each kind's by version and name."""
    wanted, found = [*KINDS.values(), METADATA], {}
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found[name] = reduced(definitions[name])
        wanted += list(references(found[name]))
    found[QUANTITY] = {"type": ["string", "number"]}
    found[INT_OR_STRING] = {"type": ["string", "integer"]}
    return {"kinds": KINDS, "definitions": found}


def references(schema: Any) -> Iterator[str]:
    """Return the names of the definitions that a schema points to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)


def reduced(schema: Any) -> Any:
    """Return a schema without what checks nothing; its objects take no other fields."""
    made = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    if "$ref" in made:
        return {"$ref": made["$ref"].rpartition("/")[2]}
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = reduced(made[name])
    if "properties" in made:
        made["properties"] = {key: reduced(value) for key, value in made["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made


def of_custom(text: str) -> dict[str, Any]:
    """Return the schema of each version of a custom resource, by group, version and kind."""
    spec = yaml.safe_load(text)["spec"]
    found = {}
    for version in spec["versions"]:
        schema = reduced(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"$ref": METADATA}
        found[f"{spec['group']}/{version['name']}/{spec['names']['kind']}"] = schema
    return found


def write(name: str, content: Any) -> None:
    """Write one file, the same for the same content."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(f"{text}\n")


def main() -> None:
    """Fetch and write everything."""
    for minor, version in KUBERNETES.items():
        folder = module(f"k8s.io/kubernetes@v{version}")
        swagger = json.loads((folder / "api" / "openapi-spec" / "swagger.json").read_text())
        write(minor, of_kubernetes(swagger["definitions"]))
    custom: dict[str, Any] = {}
    for name, files in CUSTOM.items():
        folder = module(name)
        for file in files:
            custom |= of_custom((folder / file).read_text())
    write("custom", custom)


if __name__ == "__main__":
    main()
