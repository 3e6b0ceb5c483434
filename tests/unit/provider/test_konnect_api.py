# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from gateway.errors import ResourceError
from provider.konnect_api import KonnectApi
from tests.support.fake_konnect import FakeKonnect


def test_what_is_not_there_is_none(konnect: FakeKonnect) -> None:
    api = KonnectApi({"url": konnect.url, "token": konnect.token})
    assert api.find("/v2/control-planes/missing") is None


def test_an_error_names_konnect_and_each_invalid_parameter(konnect: FakeKonnect) -> None:
    api = KonnectApi({"url": konnect.url, "token": konnect.token})
    with pytest.raises(ResourceError, match=f"Konnect at {konnect.url} answers 400") as caught:
        api.request("POST", "/v2/control-planes", {"name": " ", "labels": {}})
    assert "(name: should not be blank)" in str(caught.value)


CORE = "/v2/control-planes/<cp1>/core-entities"
PLANE = {"cluster_type": "CLUSTER_TYPE_CONTROL_PLANE", "auth_type": "pinned_client_certs"}
DECK_KONNECT_HTTP: list[tuple[str, str, str, Any, int, Any]] = [
    ("K01", "GET", "/konnect-api/api/runtime_groups", None, 200,
     {"data": [{"id": "<cp1>", "name": "default"}], "page": 1, "pageCount": 1}),
    ("K02", "GET", "/konnect-api/api/runtime_groups", None, 401, ["message"]),
    ("K03", "GET", f"{CORE}/services?size=1000", None, 200, {"data": []}),
    ("K04", "GET", f"{CORE}/v1/schemas/json/service", None, 200,
     {"retries": 5, "port": 80, "protocol": "http", "connect_timeout": 60000, "enabled": True}),
    ("K05", "GET", f"{CORE}/targets?size=1000", None, 200, {"data": []}),
    ("K06", "GET", "/v2/organizations/me", None, 200, ["id", "name"]),
    ("K07", "POST", "/v2/control-planes", {"name": "cp2"}, 201, {"name": "cp2", "config": PLANE}),
    ("K08", "POST", "/v2/control-planes/<cp1>/dp-client-certificates",
     {"cert": "pem", "title": "dp1"}, 201, {"item": ["id", "cert", "created_at"]}),
]  # fmt: skip
"""What decK sends to Konnect and must get (go-database-reconciler 1.42, ``pkg/konnect``)."""


@pytest.mark.parametrize("case", DECK_KONNECT_HTTP, ids=lambda case: case[0])
def test_the_fake_answers_deck_as_konnect_does(
    konnect: FakeKonnect, case: tuple[str, str, str, Any, int, Any]
) -> None:
    name, method, path, body, status, expected = case
    _, made = konnect.answer("POST", "/v2/control-planes", {"name": "default"})
    token = "" if name == "K02" else f"Bearer {konnect.token}"
    request = urllib.request.Request(
        konnect.url + path.replace("<cp1>", made["id"]),
        None if body is None else json.dumps(body).encode(),
        {"Authorization": token, "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as response:
            found, got = response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        found, got = error.code, json.loads(error.read())
    assert found == status
    if name == "K04":
        got = {key: one.get("default") for key, one in got["properties"].items()}
    expected = json.loads(json.dumps(expected).replace("<cp1>", made["id"]))
    assert _contains(got, expected), got


def _contains(got: Any, expected: Any) -> bool:
    """Tell whether these are there: names of a list, and what a map has for them."""
    if isinstance(expected, list) and isinstance(got, dict):
        return set(expected) <= set(got)
    if isinstance(expected, dict):
        return all(name in got and _contains(got[name], one) for name, one in expected.items())
    return bool(got == expected)
