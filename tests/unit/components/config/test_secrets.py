# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from components.config.reader import ConfigReader
from components.config.secrets import read_secrets


def reader(**secrets: object) -> ConfigReader:
    return ConfigReader("dev", {"secrets": json.dumps(secrets)}, {"secrets"})


def test_secrets_are_read_by_name_and_not_shown() -> None:
    asked = reader(SHOP_KEY="s3cret", A1="b")
    found = read_secrets(asked)
    assert list(found) == ["A1", "SHOP_KEY"]
    assert "s3cret" not in repr(found)
    assert asked.problems == []
    assert read_secrets(ConfigReader("dev", {}, set())) == {}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("shop-key", "s3cret", "no name of a variable"),
        ("KAFKA_API_KEY", "s3cret", "the stack sets it itself"),
        ("KAFKA_API_SECRET", "s3cret", "the stack sets it itself"),
        ("SCHEMA_REGISTRY_KEY", "s3cret", "the stack sets it itself"),
        ("KONG_LOG_LEVEL", "s3cret", "the name of a setting"),
        ("KAFKA_GATEWAY_WORKERS", "s3cret", "the name of a setting"),
        ("SHOP_KEY", "s3cret\nKONG_ROLE=x", "a line end"),
        ("SHOP_KEY", "", "not a text"),
        ("SHOP_KEY", {"s3cret": 1}, "not a text"),
    ],
)
def test_a_problem_names_the_secret_and_not_its_value(name: str, value: object, said: str) -> None:
    asked = reader(**{name: value})
    assert read_secrets(asked) == {}
    (problem,) = asked.problems
    assert problem.startswith(f"secrets.{name}: ")
    assert said in problem
    assert "s3cret" not in problem


def test_secrets_in_clear_are_refused() -> None:
    (problem,) = ConfigReader("dev", {"secrets": '{"SHOP_KEY": "s3cret"}'}, set()).problems
    assert problem.startswith("secrets: in clear")
    assert "s3cret" not in problem
