# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.reader import ConfigReader
from components.config.stack import read_stack


def test_a_stack_has_a_routes_file_of_its_name_unless_another_is_given() -> None:
    assert read_stack(ConfigReader("dev", {})).routes == "stacks/gateway/dev.yaml"
    assert read_stack(ConfigReader("dev", {"routes": "mine.yaml"})).routes == "mine.yaml"


def test_a_slot_that_is_not_named_has_its_first_key() -> None:
    stack = read_stack(ConfigReader("dev", {"apiKeyGenerations": '{"b": 4.0}'}))
    assert stack.api_key_generations == {"a": 1, "b": 4}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("apiKeySlot", "c", "apiKeySlot: 'c' is not one of a, b"),
        ("logLevel", "loud", "logLevel: 'loud' is not one of debug, info, notice"),
        ("apiKeyGenerations", '{"c": 1}', "apiKeyGenerations.c: unknown slot; allowed: a, b"),
        ("apiKeyGenerations", '{"a": 0}', "apiKeyGenerations.a: 0 is not a whole number from 1"),
        ("apiKeyGenerations", '{"a": 1.5}', "apiKeyGenerations.a: 1.5 is not a whole number"),
        ("apiKeyGenerations", '{"a": Infinity}', "apiKeyGenerations.a: inf is not a whole number"),
        ("apiKeyGenerations", '{"a": true}', "apiKeyGenerations.a: True is not a whole number"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(key: str, value: str, said: str) -> None:
    reader = ConfigReader("dev", {key: value})
    read_stack(reader)
    assert [problem for problem in reader.problems if said in problem]
