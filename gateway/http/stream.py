# SPDX-License-Identifier: Apache-2.0
"""A body that is read while it arrives: one writer, one reader, bounded by back-pressure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable


class Channel:
    """Chunks from a protocol's callbacks to one ``async for``.

    ``on_full`` is called when more than ``limit`` bytes wait, ``on_drained`` when the reader has
    taken them; ``on_first_read`` once, when the reader starts (100-continue); ``on_close``
    when the reader stops before the end.
    """

    __slots__ = (
        "_chunks",
        "_ended",
        "_full",
        "_waiter",
        "buffered",
        "error",
        "limit",
        "on_close",
        "on_drained",
        "on_first_read",
        "on_full",
    )

    def __init__(
        self,
        limit: int,
        on_full: Callable[[], None],
        on_drained: Callable[[], None],
        on_first_read: Callable[[], None] | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.limit = limit
        self.on_full = on_full
        self.on_drained = on_drained
        self.on_first_read = on_first_read
        self.on_close = on_close
        self.buffered = 0
        self.error: Exception | None = None
        """Why the body broke off, if it did."""
        self._chunks: deque[bytes] = deque()
        self._ended = False
        self._full = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, chunk: bytes) -> None:
        """Add a chunk; may call ``on_full``."""
        self._chunks.append(chunk)
        self.buffered += len(chunk)
        if self.buffered > self.limit and not self._full:
            self._full = True
            self.on_full()
        self._wake()

    def end(self) -> None:
        """No more chunks come: the body is complete."""
        self._end()

    def fail(self, error: Exception) -> None:
        """The body breaks off: the reader gets ``error`` after the chunks that wait."""
        if not self._ended:
            self.error = error
            self._end()

    @property
    def complete(self) -> bool:
        """The whole body has arrived, though it may not have been read."""
        return self._ended and self.error is None

    def take(self) -> bytes:
        """Return all chunks that wait, joined, without waiting."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self.buffered = 0
        self._drained()
        return data

    async def aclose(self) -> None:
        """The same as ``close``, for code that closes any iterator."""
        self.close()

    def close(self) -> None:
        """Read no more; the writer hears of it unless it is done."""
        self._chunks.clear()
        if not self._ended:
            self._ended = True
            if self.on_close is not None:
                self.on_close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.on_first_read is not None:
            callback, self.on_first_read = self.on_first_read, None
            callback()
        while not self._chunks:
            if self._ended:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        chunk = self._chunks.popleft()
        self.buffered -= len(chunk)
        if self.buffered * 2 <= self.limit:
            self._drained()
        return chunk

    def _end(self) -> None:
        self._ended = True
        # It refers to the request, which refers to this channel.
        self.on_first_read = None
        self._wake()

    def _drained(self) -> None:
        if self._full:
            self._full = False
            self.on_drained()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
