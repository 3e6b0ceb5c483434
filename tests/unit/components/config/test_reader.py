# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from contextlib import suppress

import pytest

from components.config.cloud import read_cloud
from components.config.local import read_local
from components.config.reader import SECRETS, ConfigError, ConfigReader, declared, default_text

KINDS = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


@pytest.mark.parametrize("key", declared())
def test_every_key_has_a_description_and_a_default_of_its_type(key: str) -> None:
    described = declared()[key]
    assert described["description"]
    assert type(described["default"]) is KINDS[described["type"]]


@pytest.mark.parametrize("key", declared())
def test_what_is_not_given_has_the_declared_default(key: str) -> None:
    reader, default = ConfigReader("dev", {}), declared()[key]["default"]
    read = {
        str: reader.text,
        int: lambda key: reader.integer(key, default, default),
        bool: reader.boolean,
        list: reader.structure,
        dict: reader.structure,
    }
    assert read[type(default)](key) == default
    reader.done()


def test_what_is_given_takes_the_place_of_the_default() -> None:
    reader = ConfigReader("dev", {"workers": "7", "namespace": "", "protect": "true"})
    assert reader.integer("workers", 1, 9) == 7
    assert reader.text("namespace") == ""
    assert not reader.has("namespace")
    assert reader.boolean("protect")


def test_a_value_that_cannot_be_used_leaves_the_default_and_a_problem() -> None:
    reader = ConfigReader("dev", {"publicEndpoint": "yes", "topics": "{}"})
    assert reader.boolean("publicEndpoint") is True
    assert reader.structure("topics") == json.loads(default_text("topics"))
    assert reader.problems == [
        "publicEndpoint: 'yes' is neither true nor false",
        "topics: '{}' is not a list",
    ]


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_in_clear_is_refused_by_name_and_never_shown(key: str) -> None:
    values = {key: "hush-7d41"}
    (problem,) = ConfigReader("dev", values, encrypted=()).problems
    assert problem.startswith(f"{key}: in clear")
    assert f"pulumi config set --secret {key} --stack dev" in problem
    assert "hush" not in problem
    assert ConfigReader("dev", values, encrypted=(key,)).problems == []


def test_every_key_that_says_so_is_a_secret() -> None:
    described = {key for key, what in declared().items() if "--secret" in what["description"]}
    assert described == set(SECRETS)


PLANTED = "hush-7d41" * 12
"""Longer than what messages cut values to, of which a part would be shown too."""
WRONG = [
    PLANTED,
    f"{PLANTED}\n",
    json.dumps([PLANTED]),
    json.dumps({"A": [PLANTED]}),
    json.dumps([{"name": PLANTED, "x": {"y": PLANTED}}]),
]


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("key", declared())
def test_what_stands_encrypted_is_not_shown_when_it_is_wrong(key: str, value: str) -> None:
    for read, stack in ((read_local, "local"), (read_cloud, "dev")):
        reader = ConfigReader(stack, {key: value}, encrypted={key})
        with suppress(ConfigError):
            read(reader)
        assert "hush" not in "\n".join(reader.problems)


@pytest.mark.parametrize("value", ["e", "is", "10", "x" * 200])
def test_nothing_can_be_told_of_a_hidden_value_by_its_problem(value: str) -> None:
    """A text with its letters left out would tell them."""
    said = []
    for wrong in (value, "\u00e9"):
        values = {"replicas": wrong, "topics": f"[{wrong}"}
        reader = ConfigReader("dev", values, encrypted=values)
        reader.integer("replicas", 100, 200)
        reader.structure("topics")
        said.append(reader.problems)
    assert said[0] == said[1]
    assert len(said[0]) == 2


def test_a_secret_is_not_shown_where_it_is_given_instead_of_its_mapping() -> None:
    reader = ConfigReader("dev", {"secrets": PLANTED})
    assert reader.structure("secrets") == {}
    (problem,) = reader.problems
    assert problem.startswith("secrets: cannot be used, and is secret, so not shown")


def test_json_without_an_end_of_its_depth_is_no_list() -> None:
    reader = ConfigReader("dev", {"topics": "[" * 5000})
    reader.structure("topics")
    assert len(reader.problems) == 1
