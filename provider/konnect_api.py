# SPDX-License-Identifier: Apache-2.0
"""Konnect's REST API as resources use it: bearer token, RFC 7807 errors."""

from __future__ import annotations

from typing import Any

from gateway.errors import ResourceError
from gateway.http.json_api import ApiResponse, JsonApi
from provider.values import Properties

_TIMEOUT_SECONDS = 15.0


class KonnectApi:
    """The API at ``url`` of an input {url, token}."""

    def __init__(self, api: Properties) -> None:
        self._api = JsonApi(api["url"], {"Authorization": f"Bearer {api['token']}"})
        self.url = self._api.url

    def request(self, method: str, path: str, body: Any = None) -> ApiResponse:
        """Send one request; 404 is a response like any success.

        Raises ResourceError with Konnect's error, EndpointUnreachable when there is no response.
        """
        response = self._api.request(method, path, body, _TIMEOUT_SECONDS)
        if response.status >= 400 and response.status != 404:
            text = f"{response.message}{_invalid_parameters(response)}"
            raise ResourceError(f"Konnect at {self.url} answers {text}")
        return response

    def find(self, path: str) -> dict[str, Any] | None:
        """Return the object at ``path``, or None when there is none."""
        response = self.request("GET", path)
        body: dict[str, Any] = response.body
        return None if response.status == 404 else body


def _invalid_parameters(response: ApiResponse) -> str:
    invalid = response.body.get("invalid_parameters") if isinstance(response.body, dict) else None
    named = [f"{item.get('field')}: {item.get('reason')}" for item in invalid or []]
    return f" ({'; '.join(named)})" if named else ""
