# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from components.config.environment import read_environment
from components.config.reader import ConfigReader


def reader(environment: dict[str, str], **secrets: str) -> ConfigReader:
    values = {"environment": json.dumps(environment), "secrets": json.dumps(secrets)}
    return ConfigReader("dev", values, {"secrets"})


def test_variables_and_settings_that_no_key_has_are_passed_on() -> None:
    given = {
        "TZ": "UTC",
        "no_proxy": "",
        "KONG_ANONYMOUS_REPORTS": "off",
        "KONG_CLUSTER_DP_LABELS": "region:eu",
        "KONG_CLUSTER_MAX_PAYLOAD": "64m",
        "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE": "2m",
    }
    asked = reader(given)
    assert read_environment(asked, konnect=False) == given
    assert asked.problems == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("", "x", "no name of a variable"),
        ("A B", "x", "no name of a variable"),
        ("A=B", "x", "no name of a variable"),
        ("1A", "x", "no name of a variable"),
        ("É", "x", "no name of a variable"),
        ("KONG_ROLE", "x", "the stack sets it itself"),
        ("KONG_ANONYMOUS_REPORTS", "off", "the stack sets it itself"),
        ("KONG_CLUSTER_CERT", "x", "the stack sets it itself"),
        ("KAFKA_API_SECRET", "x", "the stack sets it itself"),
        ("SHOP_KEY", "x", "stands among the secrets too"),
        ("TZ", "a\0b", "holds a null character"),
    ],
)
def test_what_no_pod_would_begin_with_is_said(name: str, value: str, said: str) -> None:
    asked = reader({name: value}, SHOP_KEY="s")
    read_environment(asked, konnect=True)
    (problem,) = asked.problems
    assert problem.startswith(f"environment.{name}: {said}")
