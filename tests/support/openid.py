# SPDX-License-Identifier: Apache-2.0
"""Requests to a handler of ``openid-connect``."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from gateway.http.messages import Request, Response
from gateway.outgoing.client import HttpClient
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Consumers
from gateway.plugins.openid_connect.handler import OpenIdConnect
from gateway.plugins.openid_connect.schema import Config
from tests.support.fake_openid_provider import FakeOpenIdProvider, openid_provider
from tests.support.requests import request_of

CONSUMERS: list[dict[str, Any]] = [
    {"id": "00000000-0000-4000-8000-000000000001", "username": "Alex", "custom_id": "7"},
    {"id": "00000000-0000-4000-8000-000000000002", "username": "guest", "custom_id": None},
]
GROUPS: list[dict[str, Any]] = [{"id": f"g-{name}", "name": name} for name in ("gold", "silver")]


class Subject:
    """A provider and handlers that ask it."""

    def __init__(self, provider: FakeOpenIdProvider, http: HttpClient) -> None:
        self.provider = provider
        self.http = http

    def handler(self, **config: Any) -> OpenIdConnect:
        """Make a handler; ``issuer`` is the provider's unless it is given."""
        consumers = Consumers({"consumers": CONSUMERS, "consumer_groups": GROUPS})
        pool: Any = None
        context = PluginContext(pool, lambda _: None, consumers=consumers, http=self.http)
        given = {"issuer": self.provider.url, "auth_methods": ["bearer"], **config}
        return OpenIdConnect(Config.model_validate(given), context)


@asynccontextmanager
async def subject() -> Any:
    """Serve a provider, and give it with a client of a worker."""
    async with openid_provider() as provider, HttpClient() as http:
        yield Subject(provider, http)


def shown(token: bytes | None, *more: tuple[bytes, bytes], target: bytes = b"/") -> Request:
    """Make a request with a token."""
    head = [] if token is None else [(b"authorization", b"Bearer " + token)]
    return request_of(target, headers=[*head, *more])


async def run(handler: OpenIdConnect, request: Request) -> Response | None:
    """Return the response of a handler; None where the request passes."""
    found = handler.access(request)
    result = await found if isinstance(found, Awaitable) else found
    assert result is None or isinstance(result, Response)
    return result


async def passes(handler: OpenIdConnect, request: Request) -> dict[bytes, bytes]:
    """Return the headers of a request that must pass."""
    response = await run(handler, request)
    assert response is None, response and (response.body, response.headers)
    return dict(request.headers)


async def refused(handler: OpenIdConnect, request: Request, status: int = 401) -> Response:
    """Return the refusal of a request that must not pass."""
    response = await run(handler, request)
    assert response is not None, "the request has passed"
    assert response.status == status, (response.status, response.body)
    assert request.consumer is None
    return response


def message(response: Response) -> str:
    """Return the text of a refusal."""
    assert isinstance(response.body, bytes)
    return str(orjson.loads(response.body)["message"])
