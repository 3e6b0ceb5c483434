# SPDX-License-Identifier: Apache-2.0
"""Publishing to our own control plane: one release, all or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gateway.errors import ResourceError
from provider.documents import problem_at
from provider.http_api import Answer, Api, quoted
from provider.publishing.publisher import Publication, Published

_START_SECONDS = 30.0
# On top of the wait for data planes: other writes come first, and a refused one is taken back.
_MARGIN_SECONDS = 30.0


class ControlPlanePublisher:
    """Our control plane: one release, all or nothing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def live(self, owner: str) -> dict[str, Any]:
        """See ``Publisher``."""
        answer = self._api.request("GET", f"/owners/{quoted(owner)}")
        if answer.status == 404:
            return {}
        if answer.status != 200:
            raise ResourceError(self._refusal(answer))
        document: dict[str, Any] = answer.body["document"]
        return document

    def publish(
        self, publication: Publication, cancelled: threading.Event, warn: Callable[[str], None]
    ) -> Published:
        """See ``Publisher``; data planes that do not serve it in time are warned about."""
        answer = self._api.request_patiently(
            "POST",
            "/releases",
            vars(publication),
            publication.wait + _MARGIN_SECONDS,
            _START_SECONDS,
            cancelled,
        )
        if answer.status not in (200, 201):
            raise ResourceError(self._refusal(answer))
        number = answer.body["number"]
        for plane in _planes(answer, "timeout", "incompatible"):
            reason = plane.get("error") or f"not confirmed within {publication.wait} s"
            warn(f"data plane {_name(plane)} does not serve release {number}: {reason}")
        return Published(number, answer.body["hash"])

    def withdraw(self, owner: str, wait: int) -> None:
        """See ``Publisher``."""
        path = f"/owners/{quoted(owner)}?wait={wait}"
        answer = self._api.request("DELETE", path, timeout=wait + _MARGIN_SECONDS)
        if answer.status not in (200, 204, 404):
            raise ResourceError(self._refusal(answer))

    def _refusal(self, answer: Answer) -> str:
        """Why a configuration was not taken, in full."""
        refused = [
            f"data plane {_name(plane)} refuses it: {plane.get('error')}"
            for plane in _planes(answer, "refused")
        ]
        if refused:
            served = "the configuration was not published and the previous one is served on; "
            return served + "; ".join(refused)
        problems = answer.body.get("problems") if isinstance(answer.body, dict) else None
        if problems:
            lines = [_sentence(problem) for problem in problems]
            return "the control plane refuses the configuration:\n" + "\n".join(lines)
        return f"{self._api.url} answers {answer.message}"


def _planes(answer: Answer, *status: str) -> list[dict[str, Any]]:
    planes = answer.body.get("data_planes") if isinstance(answer.body, dict) else None
    return [plane for plane in planes or [] if plane.get("status") in status]


def _name(plane: dict[str, Any]) -> str:
    return f"{plane.get('hostname')} ({plane.get('id')})"


def _sentence(problem: Any) -> str:
    if isinstance(problem, str):
        path, reason = problem_at(problem)
        return f"  {path}: {reason}"
    return f"  {problem}"
