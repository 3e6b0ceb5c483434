# SPDX-License-Identifier: Apache-2.0
"""What all exchanges of one worker share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.outgoing.pool import Pool
from gateway.proxy.resolver import Resolver


@dataclass(frozen=True, slots=True)
class ProxyContext:
    """Connections and addresses, which live on over configuration swaps, and settings."""

    loop: asyncio.AbstractEventLoop
    pool: Pool
    resolver: Resolver
    default_type: bytes
    """Content-Type of a generated response where the request asks for none that can be made."""
    stream_buffer: int
    """Bytes of a response that wait for the client before the upstream is read no further."""
