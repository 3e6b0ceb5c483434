# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from provider.values import Properties
from tests.support.fake_konnect import FakeKonnect
from tests.support.provider import Harness

TOKEN = "gateway:index:Configuration"


class Routes:
    """A configuration on a control plane of the fake."""

    def __init__(self, konnect: FakeKonnect) -> None:
        self.konnect = konnect
        self.harness = Harness(TOKEN)

    def inputs(self, **services: Any) -> Properties:
        url = f"{self.konnect.url}/v2/control-planes/cp/core-entities"
        admin = {"url": url, "token": self.konnect.token, "kind": "konnect"}
        return {"admin": admin, "owner": "ours", "document": {"services": services}}


@pytest.fixture
def routes(konnect: FakeKonnect) -> Routes:
    return Routes(konnect)


WEB: dict[str, Any] = {
    "url": "http://upstream.test/base",
    "routes": {"all": {"paths": ["/web"], "plugins": {"key-auth": {}}}},
}
WEB_BARE: dict[str, Any] = {
    "url": "http://upstream.test/base",
    "routes": {"all": {"paths": ["/w"]}},
}


def test_a_document_is_synced_parents_first_with_only_what_is_specified(routes: Routes) -> None:
    routes.harness.create(routes.inputs(web=WEB_BARE))
    puts = [path.split("/")[-2] for method, path in routes.konnect.calls if method == "PUT"]
    assert puts == ["services", "routes"]
    (service,) = routes.konnect.entities["services"].values()
    assert "retries" not in service
    assert service["host"] == "upstream.test"
    (route,) = routes.konnect.entities["routes"].values()
    assert route["service"] == {"id": service["id"]}
    assert routes.harness.diff() == {}


def test_what_is_left_over_is_removed_children_first(routes: Routes) -> None:
    routes.harness.create(routes.inputs(web=WEB_BARE, other={"url": "http://other.test"}))
    routes.konnect.calls.clear()
    routes.harness.update(routes.inputs(other={"url": "http://other.test"}))
    removed = [path.split("/")[-2] for method, path in routes.konnect.calls if method == "DELETE"]
    assert removed == ["routes", "services"]
    routes.harness.delete()
    assert not any(routes.konnect.entities.values())


def test_what_is_specified_and_changed_by_hand_is_a_change(routes: Routes) -> None:
    routes.harness.create(routes.inputs(web=WEB_BARE))
    (service,) = routes.konnect.entities["services"].values()
    service["host"] = "by-hand.test"
    service["retries"] = 9
    assert list(routes.harness.diff()) == ['document.services["web"].host']


CONSUMERS: dict[str, Any] = {
    "ann": {
        "keyauth_credentials": {"first": {"key": "of-ann"}},
        "acls": {"staff": {"group": "staff"}},
    }
}


def credentials(routes: Routes, method: str) -> list[str]:
    """Return what was written of credentials: path below the core entities, ids left out."""
    paths = [
        path.split("/core-entities/")[1] for way, path in routes.konnect.calls if way == method
    ]
    parts = (path.split("/") for path in paths)
    return sorted("/".join((one[0], *one[2:3])) for one in parts if len(one) > 2)


def test_credentials_are_written_below_their_consumer(routes: Routes) -> None:
    inputs = routes.inputs(web=WEB_BARE)
    inputs["document"]["consumers"] = CONSUMERS
    routes.harness.create(inputs)
    assert credentials(routes, "PUT") == ["consumers/acls", "consumers/key-auth"]
    ((key,),) = [routes.konnect.entities["key-auths"].values()]
    assert key["key"] == "of-ann"
    assert routes.harness.diff() == {}
    routes.harness.update(routes.inputs(web=WEB_BARE))
    assert credentials(routes, "DELETE") == ["consumers/acls", "consumers/key-auth"]
    assert not routes.konnect.entities["key-auths"]


def test_a_publication_goes_on_after_requests_that_were_too_many(routes: Routes) -> None:
    routes.konnect.too_many = ["0"] * 40
    routes.harness.create(routes.inputs(web=WEB_BARE))
    assert routes.harness.diff() == {}
    assert not routes.konnect.too_many
