# SPDX-License-Identifier: Apache-2.0
"""Konnect's REST API as resources use it: bearer token, RFC 7807 errors."""

from __future__ import annotations

from typing import Any

from gateway.errors import ResourceError
from provider.fields import Field, record, text
from provider.http_api import Answer, Api
from provider.values import Properties

API: Field = record({"url": text(required=True), "token": text(required=True)}, required=True)
TOKEN_PATH = ("api", "token")
_TIMEOUT_SECONDS = 15.0


def konnect(inputs: Properties) -> Api:
    """Return the API that the input ``api`` {url, token} names."""
    api = inputs["api"]
    return Api(api["url"], {"Authorization": f"Bearer {api['token']}"})


def ask(api: Api, method: str, path: str, body: Any = None) -> Answer:
    """Send one request; 404 is an answer.

    Raises ResourceError with what Konnect says, EndpointUnreachable when it says nothing.
    """
    answer = api.request(method, path, body, _TIMEOUT_SECONDS)
    if answer.status >= 400 and answer.status != 404:
        raise ResourceError(f"Konnect at {api.url} answers {answer.message}{_details(answer)}")
    return answer


def _details(answer: Answer) -> str:
    wrong = answer.body.get("invalid_parameters") if isinstance(answer.body, dict) else None
    named = [f"{item.get('field')}: {item.get('reason')}" for item in wrong or []]
    return f" ({'; '.join(named)})" if named else ""
