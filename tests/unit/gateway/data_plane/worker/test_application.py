# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker import compile as module
from gateway.data_plane.worker.application import GatewayApplication
from gateway.http.messages import Response
from gateway.plugins.request_metrics import SEPARATOR
from tests.support.noted_plugin import TYPES
from tests.support.releases import compiled, plugin_row, route, table, worker_resources
from tests.support.requests import request_of


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plugin_types", lambda: TYPES)


def test_before_any_release_nothing_is_found() -> None:
    response = GatewayApplication(Counters()).begin(request_of(b"/a"))
    assert isinstance(response, Response)
    assert (response.status, response.body) == (
        404,
        b'{"message":"no Route matched with those values"}',
    )


async def test_a_path_that_hides_dot_segments_is_a_400_that_says_so() -> None:
    application = GatewayApplication(Counters())
    application.serve(await compiled(table(routes=[route("open")])))
    request = request_of(b"/open/..%2fsecret/x")
    response = application.begin(request)
    assert isinstance(response, Response)
    assert response.status == 400
    assert isinstance(response.body, bytes)
    assert b"dot segment beside an encoded slash" in response.body
    assert request.chain is None


async def test_plain_http_on_an_https_route_is_refused_before_any_plugin() -> None:
    application = GatewayApplication(Counters())
    only = route("a", protocols=["https"], https_redirect_status_code=301)
    application.serve(await compiled(table(routes=[only])))
    request = request_of(b"/a?x=1", host=b"here:8000")
    response = application.begin(request)
    assert isinstance(response, Response)
    assert response.status == 301
    assert response.headers == [(b"Location", b"https://here/a?x=1")]
    assert request.chain is None


async def test_requests_are_counted_under_their_route_or_none() -> None:
    resources = worker_resources()
    application = GatewayApplication(resources.counters)
    rows = [plugin_row("noted", of="a")]
    content = table(routes=[route("a")], plugins=rows)
    application.serve(await compiled(content, None, resources))
    for target in (b"/a", b"/a", b"/none"):
        request = request_of(target)
        outcome = application.begin(request)
        response = outcome if isinstance(outcome, Response) else application.handle(request)
        assert isinstance(response, Response)
        application.finished(request, response, 10)
    report = resources.counters.report()
    assert report[f"{SEPARATOR}a"]["codes"] == {"200": 2}
    assert report[SEPARATOR]["codes"] == {"404": 1}
