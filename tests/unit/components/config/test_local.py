# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.local import Ports, port_key, read_local
from components.config.reader import ConfigError, ConfigReader, declared


def problems(**changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_local(ConfigReader("local", changes))
    return str(caught.value)


def test_the_defaults_of_the_project_file_make_the_local_stack() -> None:
    config = read_local(ConfigReader("local", {}))
    assert config.ports == Ports(8000, 8443, 8001, 8002, 8005, 8100, 8101, 9092, 9093)
    assert config.topic_names == ("topictest", "topictest2")
    assert config.routes == "stacks/gateway/local.yaml"
    assert config.workers == 2


def test_every_port_has_its_key_in_the_project_file() -> None:
    assert {port_key(name) for name in Ports.__dataclass_fields__} <= set(declared())


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    said = problems(proxyPrt="8000")
    assert "stacks/Pulumi.local.yaml" in said
    assert 'proxyPrt: unknown key; did you mean "proxyPort"? allowed: adminArns, ' in said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("proxyPort", "70000", "proxyPort: 70000 is not a whole number from 1 to 65535"),
        ("proxyPort", "http", "proxyPort: 'http' is not a whole number from 1 to 65535"),
        ("adminPort", "8000", "adminPort: 8000 is also proxyPort"),
        ("workers", "257", "workers: 257 is not a whole number from 0 to 256"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(key: str, value: str, said: str) -> None:
    assert said in problems(**{key: value})


def test_all_problems_are_told_at_once() -> None:
    said = problems(workers="257", proxyPort="x")
    assert "workers:" in said
    assert "proxyPort:" in said
