# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.documents.diff import normalise
from gateway.entities import validate_row
from gateway.entities.base import StrictModel
from gateway.entities.shape import shape_of
from gateway.entities.versions import by_version
from gateway.schema import entity_schema, plugin_schema
from gateway.settings.compatibility import version_of

WS = ["grpc", "grpcs", "http", "https", "ws", "wss"]


class Model(StrictModel):
    """Two fields that changed."""

    hides: bool = by_version(False, True, description="Whether it hides.")
    words: list[str] = by_version(["a"], ["b", "c"], description="Its words.")


def test_a_default_is_that_of_the_version_in_force_and_no_ones_else() -> None:
    for version, hides, words in (("3.10", False, ["a"]), ("3.14", True, ["b", "c"])):
        with version_of(version):
            filled = Model.model_validate({"hides": None})
            assert (filled.hides, filled.words) == (hides, words)
            filled.words.append("mine")
            assert Model().words == words
            assert (shape_of(Model).fields or {})["words"].default == words
            assert Model(hides=not hides).hides is not hides


def test_a_description_names_the_other_default() -> None:
    field = (shape_of(Model).fields or {})["words"]
    assert field.description.endswith("With compatibility version 3.14 the default is `[b, c]`.")


def _default(schema: dict[str, Any], *names: str) -> Any:
    for name in names:
        schema = next(item[name] for item in schema["fields"] if name in item)
    return schema["default"]


@pytest.mark.parametrize(
    ("version", "hides", "protocols"),
    [("3.10", False, ["http", "https"]), ("3.14", True, ["https"])],
)
def test_what_is_announced_filled_in_and_compared_is_of_one_version(
    version: str, hides: bool, protocols: list[str]
) -> None:
    with version_of(version):
        plugin = validate_row("plugins", {"name": "key-auth"})
        schema = plugin_schema("key-auth")
        assert _default(schema, "config", "hide_credentials") is hides
        assert plugin["config"]["hide_credentials"] is hides
        assert _default(schema, "protocols") == plugin["protocols"]
        assert plugin["protocols"] == (WS if hides else WS[:4])
        route = validate_row("routes", {"paths": ["/a"]})
        assert _default(entity_schema("routes"), "protocols") == route["protocols"] == protocols
        document = {"routes": {"r": {"paths": ["/a"], "plugins": {"key-auth": {}}}}}
        compared = normalise(document)["routes"]["r"]
        assert compared["protocols"] == protocols
        assert compared["plugins"]["key-auth"]["config"]["hide_credentials"] is hides


def test_a_row_of_one_version_is_the_same_to_a_node_of_the_other() -> None:
    with version_of("3.14"):
        row = validate_row("plugins", {"name": "key-auth"})
    with version_of("3.10"):
        assert validate_row("plugins", row) == row
