# SPDX-License-Identifier: Apache-2.0
"""A configuration on its way to the connected data planes, and the verdict of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.listener import ClusterListener
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.publish_spans import PublishSpans

Status = Literal["confirmed", "refused", "incompatible", "timeout"]
"""``incompatible``: what keeps it from serving the configuration was there before this release."""


@dataclass(frozen=True)
class Verdict:
    """What one data plane made of a release."""

    id: str
    hostname: str
    status: Status
    error: str | None = None

    def worded(self, wait: float) -> Verdict:
        """Return it with a reason also where none came within the seconds it was waited for."""
        if self.status != "timeout" or self.error is not None:
            return self
        return replace(self, error=f"did not confirm within {wait:g} s")


class Rollout:
    """Pushes configurations. Lives on one event loop."""

    def __init__(
        self,
        data_planes: DataPlanes,
        listener: ClusterListener | None,
        spans: PublishSpans | None = None,
    ) -> None:
        self.data_planes = data_planes
        self.spans = PublishSpans() if spans is None else spans
        self.stopping = False
        self._listener = listener

    def stop(self) -> None:
        """Have calls that wait for data planes return at once."""
        self.stopping = True
        self.data_planes.announce()

    def anybody(self) -> bool:
        """Tell whether a data plane is connected."""
        return bool(self.data_planes.connected())

    def lacking(self) -> set[str]:
        """Return the connected data planes that were not sent what they lack a plugin for."""
        nodes = self.data_planes.connected()
        return {node for node in nodes if self.data_planes.contact(node).withheld is not None}

    def push(self, push: Push | None, *, again: bool = False, release: int = 0) -> None:
        """Push to all data planes, also to those that connect later; do not wait.

        ``again``: it was pushed before, so of the connected only those get it that do not serve
        it. Without a configuration nothing is pushed from now on. ``release`` is the newest in it.
        """
        traceparent = self.spans.traceparent_of(release)
        if push is not None and traceparent:
            push = replace(push, traceparent=traceparent)
        if self._listener is not None:
            self._listener.push(push, self._behind(push) if again and push is not None else None)

    def _behind(self, push: Push) -> set[str]:
        """Return the connected data planes that do not serve a configuration."""
        known = {node: self.data_planes.get(node) for node in self.data_planes.connected()}
        return {
            node
            for node, found in known.items()
            if found is None or not push.confirmed_by(found.config_hash)
        }
