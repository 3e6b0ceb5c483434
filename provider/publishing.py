# SPDX-License-Identifier: Apache-2.0
"""Where a configuration goes: the publishing calls of our control plane, or Konnect's API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.errors import ResourceError
from provider.documents import problem_at
from provider.fields import Problem, record, text
from provider.http_api import Answer, Api, quoted
from provider.port_forward import FORWARD, forwarded
from provider.values import UNKNOWN, Properties

ADMIN = record(
    {
        "url": text(),
        "token": text(),
        "ca": text(),
        "kind": text(False, "own", "own", "konnect"),
        "forward": FORWARD,
    },
    required=True,
)
SECRETS = (("admin", "token"), ("admin", "forward", "kubeconfig"))
_START_SECONDS = 30.0
# On top of the wait for data planes: other writes come first, and a refused one is taken back.
_MARGIN_SECONDS = 30.0


@dataclass(frozen=True)
class Publication:
    """One owner's document and what is said about it."""

    owner: str
    document: dict[str, Any]
    message: str
    who: str
    wait: int


@dataclass(frozen=True)
class Published:
    """The release that holds it; Konnect has none and answers number 0."""

    release: int
    hash: str


class Publisher(Protocol):
    """What a control plane must be able to do. Each call raises ResourceError."""

    def live(self, owner: str) -> dict[str, Any]:
        """Return the owner's live document, empty when there is none."""

    def publish(
        self, publication: Publication, cancelled: threading.Event, warn: Callable[[str], None]
    ) -> Published:
        """Put the document in place of what the owner has."""

    def withdraw(self, owner: str, wait: int) -> None:
        """Take away what the owner has."""


def check_admin(admin: Any) -> list[Problem]:
    """What is wrong with the input ``admin`` beyond its fields."""
    if admin == UNKNOWN:
        return []
    url = admin.get("url")
    if not url and admin.get("forward") is None:
        return [("admin.url", "is required, unless the Admin API is reached by admin.forward")]
    if url and url != UNKNOWN and not url.startswith(("http://", "https://")):
        return [("admin.url", "should start with http:// or https://")]
    return []


@contextmanager
def publisher(admin: Properties) -> Iterator[Publisher]:
    """Give the control plane at ``admin``; EndpointUnreachable when no way leads there."""
    if admin.get("kind") == "konnect":
        from provider.konnect_sync import KonnectPublisher

        yield KonnectPublisher(admin)
        return
    headers = {"Kong-Admin-Token": admin["token"]} if admin.get("token") else {}
    if admin.get("url"):
        yield OwnPublisher(Api(admin["url"], headers, admin.get("ca")))
        return
    with forwarded(admin["forward"]) as port:
        yield OwnPublisher(Api(f"http://127.0.0.1:{port}", headers))


class OwnPublisher:
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
