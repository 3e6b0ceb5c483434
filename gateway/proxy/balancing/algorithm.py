# SPDX-License-Identifier: Apache-2.0
"""What chooses among the peers of an upstream: the contract of the four algorithms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar

from gateway.proxy.balancing.peer import Peer


class Algorithm(ABC):
    """Chooses a peer for a request. Not for use by several threads."""

    tracks: ClassVar[bool] = False
    """Whether it wants to hear of the beginning and the end of each request."""

    @abstractmethod
    def arrange(self, peers: Sequence[Peer]) -> None:
        """Take the peers with a weight, healthy or not: called whenever one of them changed."""

    @abstractmethod
    def pick(self, value: bytes | None, failed: Collection[Peer]) -> Peer | None:
        """Return a healthy peer that is not among ``failed``; None when there is none.

        ``value`` is what is hashed of the request, None for nothing.
        """

    def began(self, peer: Peer) -> None:  # noqa: B027  # most need not know
        """Hear that a request goes to a peer, if the algorithm ``tracks``."""

    def ended(self, peer: Peer, seconds: float | None) -> None:  # noqa: B027  # see above
        """Hear that one has ended, if the algorithm ``tracks``.

        ``seconds``: how long the peer took to respond; None where that says nothing of the peer.
        """
