# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from typing import Any

import pytest

from gateway.data_plane.worker.certificate_requests import Use, certificate_requests
from gateway.entities.plugin_types import PluginType
from tests.support.authority import Authority

AUTHORITIES = {name: Authority(name).pem for name in ("one", "two")}
ONE, TWO = (ssl.PEM_cert_to_DER_cert(pem) for pem in AUTHORITIES.values())
ROUTES: list[dict[str, Any]] = [
    {"id": "a", "service": "s", "snis": ["A.test", "b.test"]},
    {"id": "b", "service": "s", "snis": ["b.test"]},
    {"id": "open", "service": None, "snis": None},
]


def use(*named: str, asks: bool = True, **scope: str) -> Use:
    given = (lambda _: named) if asks else (lambda _: None)
    return scope, PluginType("p", "1", 1, "pydantic:BaseModel", "none:None", asks=given), None


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ([], {}),
        ([use(asks=False)], {}),
        ([use(route="a")], {"a.test": [], "b.test": []}),
        ([use(service="s")], {"a.test": [], "b.test": []}),
        ([use(route="open")], {"*": []}),
        ([use()], {"a.test": [], "b.test": [], "*": []}),
        ([use("one", route="b")], {"b.test": [ONE]}),
        ([use("one", "gone", route="b"), use("two", route="b")], {"b.test": [ONE, TWO]}),
        ([use("one", route="a"), use(route="b")], {"a.test": [ONE], "b.test": []}),
        ([use("one", route="b"), use("two", route="open")], {"b.test": [ONE, TWO], "*": [TWO]}),
    ],
)
def test_clients_are_asked_for_the_names_of_routes_that_want_it(
    uses: list[Use], expected: dict[str, list[bytes]]
) -> None:
    assert certificate_requests(uses, ROUTES, AUTHORITIES) == expected


def test_a_plugin_that_never_asks_asks_nobody() -> None:
    kind = PluginType("p", "1", 1, "pydantic:BaseModel", "none:None")
    assert certificate_requests([({}, kind, None)], ROUTES, AUTHORITIES) == {}
