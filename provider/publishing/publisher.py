# SPDX-License-Identifier: Apache-2.0
"""The contract of the publishers: what each kind of control plane does with a document."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Publication:
    """One owner's document, with the ``message`` and author (``who``) that its release records.

    ``wait`` is how many seconds the connected data planes have to confirm it. The names are those
    of the Admin API's ``POST /releases``.
    """

    owner: str
    document: dict[str, Any]
    message: str
    who: str
    wait: int


@dataclass(frozen=True)
class Published:
    """The release that holds the document; Konnect has no releases: number 0, no hash."""

    release: int
    hash: str


@dataclass(frozen=True)
class OwnedDocument:
    """What an owner has, and the release that holds it."""

    document: dict[str, Any]
    release: int
    hash: str


class DocumentPublisher(Protocol):
    """A control plane that documents are published to. Each call raises ResourceError."""

    def live(self, owner: str) -> dict[str, Any]:
        """Return the owner's live document, empty when there is none."""

    def owned(self, owner: str) -> OwnedDocument | None:
        """Return the owner's live document with its release; None when the owner has nothing."""

    def publish(
        self, publication: Publication, cancelled: threading.Event, warn: Callable[[str], None]
    ) -> Published:
        """Replace the owner's entities by those of the document."""

    def withdraw(self, owner: str, wait: int) -> None:
        """Remove the owner's entities."""
