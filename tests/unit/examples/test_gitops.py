# SPDX-License-Identifier: Apache-2.0
"""The examples for Argo CD and Flux deploy what the chart renders and the gateway takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.commands.check import check_file
from tests.support.chart import CHART, environment, render
from tests.support.kubernetes_schemas import problems, versions

FOLDER = CHART.parents[1] / "examples" / "gitops"
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]


def values() -> Any:
    return yaml.safe_load((FOLDER / "values.yaml").read_text())


def documents(name: str) -> dict[str, Any]:
    found = yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text())
    return {one["kind"]: one for one in found}


def test_the_values_render_to_valid_objects() -> None:
    objects = render(values(), release="kafka-gateway")
    found = [text for one in objects.values() for v in versions() for text in problems(one, v)]
    assert not found
    workload = objects["Deployment", "kafka-gateway-kafka-gateway"]
    assert environment(workload)["KONG_DECLARATIVE_CONFIG"] == "/kong_dbless/kong.yml"
    assert "checksum/dbless" in workload["spec"]["template"]["metadata"]["annotations"]


def test_the_routes_are_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_API_KEY", "KAFKA_API_SECRET"):
        monkeypatch.setitem(os.environ, name, "x")
    file = tmp_path / "kong.yml"
    file.write_text(values()["dblessConfig"]["config"])
    assert check_file(file) == ([], [])


def test_both_take_the_chart_of_this_version_from_where_it_is_published() -> None:
    application = documents("argocd")["Application"]["spec"]
    chart, source = application["sources"]
    assert (chart["chart"], chart["targetRevision"]) == ("kafka-gateway", VERSION)
    assert chart["helm"]["valueFiles"] == ["$values/examples/gitops/values.yaml"]
    assert source["ref"] == "values"
    flux = documents("flux")
    assert flux["OCIRepository"]["spec"]["url"] == f"oci://{chart['repoURL']}/{chart['chart']}"
    assert flux["OCIRepository"]["spec"]["ref"]["tag"] == VERSION
    release = flux["HelmRelease"]["spec"]
    assert release["chartRef"]["name"] == flux["OCIRepository"]["metadata"]["name"]
    assert release["test"]["enable"]
