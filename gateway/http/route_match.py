# SPDX-License-Identifier: Apache-2.0
"""What the router found for a request, as the code that handles the request sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class RouteMatch(Protocol):
    """The route that serves a request, as the code that handles it sees it."""

    data: Any
    """What the snapshot attached to the route."""
    path: bytes
    """The normalised path of the request."""

    @property
    def route(self) -> Mapping[str, Any]:
        """The route's flat row."""
        ...

    @property
    def service(self) -> Mapping[str, Any] | None:
        """The service's flat row."""
        ...

    @property
    def prefix(self) -> bytes | None:
        """The part of the path that is stripped; None when nothing is."""
        ...

    @property
    def upstream_path(self) -> bytes:
        """The path for the upstream, escaped, without query."""
        ...
