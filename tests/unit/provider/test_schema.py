# SPDX-License-Identifier: Apache-2.0
"""The package's schema says what the provider checks and what the program's classes take."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import empty_pb2

from provider import client
from provider.declaration import property_name
from provider.fields import REQUIRED, Field
from provider.registry import TYPES, implementation
from provider.schema import declared_types, package_schema
from provider.server import Provider
from tests.support.provider import Context

SCHEMA = package_schema()
RESOURCES = sorted(SCHEMA["resources"])
PLAIN = {"string": str, "integer": int, "boolean": bool}


def client_class(token: str) -> Any:
    (found,) = (
        kind
        for _, kind in inspect.getmembers(client, inspect.isclass)
        if getattr(kind, "token", None) == token and kind.__module__ == client.__name__
    )
    return found


def objects() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every set of properties with where it stands."""
    for token, kind in SCHEMA["types"].items():
        yield token, kind["properties"]
    for token, kind in SCHEMA["resources"].items():
        yield f"{token} inputs", kind["inputProperties"]
        yield f"{token} outputs", kind["properties"]


def test_the_provider_answers_with_it() -> None:
    answer = Provider().GetSchema(empty_pb2.Empty(), Context())
    assert json.loads(answer.schema) == SCHEMA


def test_every_type_that_is_implemented_is_in_it() -> None:
    assert set(RESOURCES) == set(TYPES)
    assert {kind.token for kind in declared_types()} == set(TYPES)


@pytest.mark.parametrize(("where", "properties"), list(objects()))
def test_every_property_has_a_type_and_a_description(
    where: str, properties: dict[str, Any]
) -> None:
    for name, found in properties.items():
        assert {"type", "$ref", "oneOf"} & set(found), f"{where}.{name}"
        nested_alone = where.startswith("gateway:kafka:Endpoint") and name == "bootstrapServers"
        assert found.get("description") or nested_alone, f"{where}.{name}"


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"#/types/([^"]*)"', json.dumps(SCHEMA)):
        assert reference in SCHEMA["types"]


@pytest.mark.parametrize("token", RESOURCES)
def test_required_defaults_and_secrets_are_those_that_the_provider_applies(token: str) -> None:
    resource, schema = SCHEMA["resources"][token], implementation(token).schema
    for name, found in resource["inputProperties"].items():
        field = schema.inputs[name]
        assert (name in resource.get("requiredInputs", [])) == (field.default is REQUIRED), name
        assert found.get("default", field.default) == field.default, name
        assert found.get("secret", False) == field.secret, name
        assert set(field.allowed) <= set(re.findall(r"[\w.-]*\w", found["description"])), name
    outputs = {name: found.get("secret", False) for name, found in resource["properties"].items()}
    assert {(name,) for name, secret in outputs.items() if secret} == {
        path for path in schema.secrets if len(path) == 1
    }
    assert set(resource["required"]) <= set(outputs)


def test_secrets_inside_objects_are_marked_there() -> None:
    marked = {
        (token, name)
        for token, kind in SCHEMA["types"].items()
        for name, found in kind["properties"].items()
        if found.get("secret")
    }
    assert marked == {
        ("gateway:index:AdminApi", "token"),
        ("gateway:index:PortForward", "kubeconfig"),
        ("gateway:index:Signer", "privateKeyPem"),
        ("gateway:kafka:Endpoint", "password"),
        ("gateway:konnect:Api", "token"),
    }


@pytest.mark.parametrize("token", RESOURCES)
def test_the_programs_classes_have_the_same_arguments_and_outputs(token: str) -> None:
    resource, kind = SCHEMA["resources"][token], client_class(token)
    arguments: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        for attribute, annotation in vars(base).get("__annotations__", {}).items():
            if isinstance(getattr(base, attribute, None), Field):
                arguments[property_name(attribute)] = annotation
    assert set(arguments) == set(resource["inputProperties"])
    for name, annotation in arguments.items():
        found = resource["inputProperties"][name]
        assert annotation.endswith("| None") == (name not in resource.get("requiredInputs", [])), (
            name
        )
        python = PLAIN.get(found.get("type", ""))
        if python is not None:
            assert annotation.startswith(f"Input[{python.__name__}]"), name
        else:
            assert not re.match(r"Input\[(str|int|bool)\]", annotation), name
    for name, output in kind.output_fields.items():
        assert PLAIN[resource["properties"][name]["type"]] is output.kind, name


def test_an_endpoint_is_an_input_and_no_output() -> None:
    for token in ("gateway:kafka:Topic", "gateway:kafka:Acl"):
        resource = SCHEMA["resources"][token]
        assert resource["inputProperties"]["endpoint"] == {
            "$ref": "#/types/gateway:kafka:Endpoint",
            "description": resource["inputProperties"]["endpoint"]["description"],
        }
        assert "endpoint" not in resource["properties"]
        recorded = implementation(token).schema.recorded({"endpoint": {}, "name": "n"})
        assert recorded == {"name": "n"}
