# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi

from provider.declaration import OutputField, ResourceType, property_name
from provider.fields import boolean, integer, mapping, text


class ExampleType(ResourceType, token="gateway:test:Example"):
    """A declaration with every kind of attribute."""

    first_name: pulumi.Input[str] = text()
    files: pulumi.Input[dict[str, str]] | None = mapping(text(secret=True), default={})
    size: pulumi.Input[int] | None = integer(default=3)

    full_name = OutputField(str, name="firstName")
    made_key = OutputField(str, secret=True)
    running = OutputField(bool, recorded=boolean(default=True))


class Derived(ExampleType):
    """A class that inherits the declaration."""


def test_attributes_are_properties_in_camel_case() -> None:
    assert property_name("early_renewal_hours") == "earlyRenewalHours"
    assert list(ExampleType.inputs) == ["firstName", "files", "size", "running"]


def test_outputs_are_the_properties_that_are_no_inputs() -> None:
    assert ExampleType.outputs == ("madeKey",)


def test_secrets_are_declared_where_they_stand() -> None:
    assert set(ExampleType.secrets) == {("madeKey",), ("files", "*")}


def test_a_class_without_a_token_inherits_the_declaration() -> None:
    assert Derived.token == "gateway:test:Example"
    assert Derived.inputs is ExampleType.inputs
