# SPDX-License-Identifier: Apache-2.0
"""Render the chart with real helm: the objects that a cluster would be given."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import helm as helm_tool

CHART = Path(__file__).resolve().parents[2] / "gateway" / "chart"

Objects = dict[tuple[str, str], dict[str, Any]]
"""Rendered objects by kind and name."""


@functools.cache
def helm() -> str:
    """Return helm's path; the test is skipped where none can be had."""
    try:
        return str(helm_tool.ensure())
    except helm_tool.MissingPrerequisiteError as problem:
        pytest.skip(str(problem))


def run_helm(*arguments: str, values: Mapping[str, Any] | None = None) -> tuple[int, str]:
    """Run helm with ``values`` on stdin where `-f -` stands; return exit code and all output."""
    done = subprocess.run(
        [helm(), *arguments],
        input=yaml.safe_dump(dict(values or {})),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def render(values: Mapping[str, Any], release: str = "gw", namespace: str = "kong-dp") -> Objects:
    """Return what the chart renders with ``values``."""
    command = ("template", release, str(CHART), "--namespace", namespace, "-f", "-")
    code, text = run_helm(*command, values=values)
    assert code == 0, text
    objects = [item for item in yaml.safe_load_all(text) if item]
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def container(workload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workload's only container."""
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(workload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container's environment: name to text, or to its valueFrom."""
    variables = container(workload)["env"]
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in variables}
