# SPDX-License-Identifier: Apache-2.0
"""Releases of our own control plane, at its Admin API: which there are, and publishing a hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.http.json_api import JsonApi, quoted
from provider.publishing.control_plane import (
    MARGIN_SECONDS,
    check_ours,
    expect,
    published,
    warn_unserved,
)
from provider.publishing.publisher import Published
from provider.retry import with_retry

_PAUSE_SECONDS = 0.2
_IN_HAND = ("open", "publishing")


@dataclass(frozen=True)
class RecordedRelease:
    """A release as the control plane has it; no hash where nobody has asked for it yet."""

    number: int
    hash: str
    message: str


@dataclass(frozen=True)
class KnownHold:
    """A hold that is open, or how the last one of its name ended: ``state`` as the API says."""

    state: str
    release: int | None
    summary: str

    @property
    def is_open(self) -> bool:
        """Whether it has writes that are still to be published."""
        return self.state in _IN_HAND


class ReleaseApi:
    """The releases and holds of one control plane. Each call raises ResourceError."""

    def __init__(self, api: JsonApi, cancelled: threading.Event | None = None) -> None:
        self._api, self._cancelled = api, cancelled or threading.Event()

    def newest(self) -> RecordedRelease | None:
        """Return the newest release; None where there is none yet."""
        body = self._read("/releases?size=1")
        return self._recorded(body["data"][0]) if body["data"] else None

    def find(self, number: int) -> RecordedRelease | None:
        """Return a release by its number; None where there is none, or none any more."""
        response = self._api.request("GET", f"/releases/{number}")
        if response.status == 404:
            return None
        expect(self._api, response, 200)
        return self._recorded(response.body)

    def hold(self, name: str) -> KnownHold | None:
        """Return the hold of this name, an open one first; None where none is remembered."""
        for one in self._read("/holds")["data"]:
            if one["name"] == name:
                return KnownHold(one["state"], one["release"], one["summary"])
        return None

    def publish_hold(
        self, name: str, body: dict[str, Any], warn: Callable[[str], None]
    ) -> Published:
        """Publish a hold as one release; ``body`` is that of the Admin API."""
        wait: int = body["wait"]
        path = f"/holds/{quoted(name)}/publish"
        response = self._api.request("POST", path, body, wait + MARGIN_SECONDS)
        return published(self._api, response, wait, warn)

    def serve_newest(self, wait: int, warn: Callable[[str], None]) -> Published:
        """Return the newest release once the connected data planes serve it, or ``wait`` s later.

        One that comes meanwhile is the newest then. Number 0, without a hash: there is none yet.
        """
        deadline = time.monotonic() + wait
        while True:
            newest = self.newest()
            if newest is None:
                return Published(0, "")
            late = self._without(newest)
            pause = min(_PAUSE_SECONDS, deadline - time.monotonic())
            if not late or pause <= 0 or self._cancelled.wait(pause):
                break
        warn_unserved(newest.number, late, wait, warn)
        return Published(newest.number, newest.hash)

    def _without(self, release: RecordedRelease) -> list[dict[str, Any]]:
        """Return the connected data planes that serve something else."""
        planes = self._read("/clustering/data-planes")["data"]
        return [one for one in planes if one["connected"] and one["config_hash"] != release.hash]

    def _read(self, path: str) -> dict[str, Any]:
        response = with_retry(lambda: self._api.request("GET", path), self._cancelled)
        expect(self._api, response, 200)
        check_ours(self._api, response.body, "data")
        body: dict[str, Any] = response.body
        return body

    def _recorded(self, body: Any) -> RecordedRelease:
        check_ours(self._api, body, "number", "hash", "message")
        return RecordedRelease(body["number"], body["hash"] or "", body["message"])
