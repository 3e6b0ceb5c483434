# SPDX-License-Identifier: Apache-2.0
"""Publishing to our own control plane: one release, all or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from gateway.errors import EndpointUnreachable, ResourceError
from gateway.http.json_api import ApiResponse, JsonApi, quoted
from provider.documents import problem_at
from provider.publishing.publisher import OwnedDocument, Publication, Published
from provider.retry import with_retry

MARGIN_SECONDS = 30.0
"""On top of the wait for data planes: for writes queued before it and for taking back."""


class ControlPlanePublisher:
    """A control plane of ours, at its Admin API."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    def live(self, owner: str) -> dict[str, Any]:
        """See ``DocumentPublisher``."""
        owned = self.owned(owner)
        return {} if owned is None else owned.document

    def owned(self, owner: str) -> OwnedDocument | None:
        """See ``DocumentPublisher``."""
        response = self._api.request("GET", f"/owners/{quoted(owner)}")
        if response.status == 404 and _is_of_owner(response):
            return None
        if response.status == 404:
            # A proxy, say, that has the port until the stack's ports are as they should be.
            raise EndpointUnreachable(f"{self._api.url} is no Admin API ({response.message})")
        expect(self._api, response, 200)
        check_ours(self._api, response.body, "document", "release", "hash")
        body = response.body
        return OwnedDocument(body["document"], body["release"], body["hash"])

    def publish(
        self, publication: Publication, cancelled: threading.Event, warn: Callable[[str], None]
    ) -> Published:
        """See ``DocumentPublisher``; warns about data planes that do not serve it in time."""
        body, timeout = vars(publication), publication.wait + MARGIN_SECONDS
        response = with_retry(
            lambda: self._api.request("POST", "/releases", body, timeout), cancelled
        )
        return published(self._api, response, publication.wait, warn)

    def withdraw(self, owner: str, wait: int) -> None:
        """See ``DocumentPublisher``."""
        path = f"/owners/{quoted(owner)}?wait={wait}"
        response = self._api.request("DELETE", path, timeout=wait + MARGIN_SECONDS)
        expect(self._api, response, 200, 204, 404)


def published(
    api: JsonApi, response: ApiResponse, wait: int, warn: Callable[[str], None]
) -> Published:
    """Return what a publishing call of the Admin API answers; ResourceError where it refuses.

    Warns about data planes that do not serve the release within ``wait`` seconds.
    """
    expect(api, response, 200, 201)
    check_ours(api, response.body, "number", "hash")
    number = response.body["number"]
    warn_unserved(number, _planes(response, "timeout", "incompatible"), wait, warn)
    return Published(number, response.body["hash"])


def check_ours(api: JsonApi, body: Any, *has: str) -> None:
    """Raise ResourceError where a body is no object with these fields: no API of ours sent it."""
    if not isinstance(body, dict) or not body.keys() >= set(has):
        raise ResourceError(f"{api.url} is no Admin API of ours")


def warn_unserved(
    release: int, planes: Iterable[dict[str, Any]], wait: int, warn: Callable[[str], None]
) -> None:
    """Warn about data planes that do not serve a release within ``wait`` seconds."""
    for plane in planes:
        reason = plane.get("error") or f"not confirmed within {wait} s"
        warn(f"data plane {_name(plane)} does not serve release {release}: {reason}")


def expect(api: JsonApi, response: ApiResponse, *status: int) -> None:
    """Raise ResourceError with the full reason when the configuration was not accepted."""
    if response.status in status:
        return
    refused = [
        f"data plane {_name(plane)} refuses it: {plane.get('error')}"
        for plane in _planes(response, "refused")
    ]
    if refused:
        served = "the configuration was not published and the previous one is served on; "
        raise ResourceError(served + "; ".join(refused))
    problems = response.body.get("problems") if isinstance(response.body, dict) else None
    if problems:
        lines = [_sentence(problem) for problem in problems]
        text = "the control plane refuses the configuration:\n" + "\n".join(lines)
        raise ResourceError(text)
    raise ResourceError(f"{api.url} answers {response.message}")


def _is_of_owner(response: ApiResponse) -> bool:
    message = response.body.get("message") if isinstance(response.body, dict) else None
    return str(message).startswith("owner ")


def _planes(response: ApiResponse, *status: str) -> list[dict[str, Any]]:
    planes = response.body.get("data_planes") if isinstance(response.body, dict) else None
    return [plane for plane in planes or [] if plane.get("status") in status]


def _name(plane: dict[str, Any]) -> str:
    return f"{plane.get('hostname')} ({plane.get('id')})"


def _sentence(problem: Any) -> str:
    if isinstance(problem, str):
        path, reason = problem_at(problem)
        return f"  {path}: {reason}"
    return f"  {problem}"
