# SPDX-License-Identifier: Apache-2.0
"""The schema of the package is that of the classes, and inputs reach them by their names."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pulumi
import pytest

from components.package.host import COMPONENTS, PACKAGE, Components
from gateway import __version__
from provider.declaration import property_name


@pytest.fixture(scope="module")
def package() -> Components:
    return Components()


@pytest.fixture(scope="module")
def schema(package: Components) -> dict[str, Any]:
    assert package.schema is not None
    found: dict[str, Any] = json.loads(package.schema)
    return found


def test_the_package_has_the_projects_version_and_every_component(schema: dict[str, Any]) -> None:
    assert (schema["name"], schema["version"]) == (PACKAGE, __version__)
    assert set(schema["resources"]) == {f"{PACKAGE}:index:{kind.__name__}" for kind in COMPONENTS}


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda kind: kind.__name__)
def test_a_component_takes_what_its_arguments_are(
    component: type[pulumi.ComponentResource], schema: dict[str, Any]
) -> None:
    found = schema["resources"][f"{PACKAGE}:index:{component.__name__}"]
    arguments = inspect.get_annotations(component.__init__)["args"]
    assert set(found["inputProperties"]) == {
        property_name(name) for name in arguments.__annotations__
    }
    assert set(found["requiredInputs"]) == {
        property_name(name) for name in arguments.__required_keys__
    }
    assert found["properties"], "it gives something"
    for name, described in {**found["inputProperties"], **found["properties"]}.items():
        assert described["description"], name


def test_every_object_of_the_schema_is_described(schema: dict[str, Any]) -> None:
    for token, kind in schema["types"].items():
        assert kind["description"], token
        for name, described in kind["properties"].items():
            assert described["description"], f"{token}.{name}"


def test_an_object_that_is_one_output_arrives_as_it_is(package: Components) -> None:
    definition = package._component_defs["DataPlaneRelease"]
    whole = object()  # as an output would
    given = {
        "kubeconfig": "k", "namespace": "n", "certificates": {}, "imageDigest": "d",
        "controlPlane": {}, "kafka": whole,
    }  # fmt: skip
    mapped = package.map_inputs(given, definition)
    assert mapped["kafka"] is whole
    assert mapped["image_digest"] == "d"
    assert "control_plane" in mapped


def test_what_is_missing_is_named(package: Components) -> None:
    definition = package._component_defs["GatewayRoutes"]
    with pytest.raises(pulumi.InputPropertiesError) as refused:
        package.map_inputs({"routes": "routes.yaml"}, definition)
    assert "controlPlane is required, kafka is required" in str(refused.value)
