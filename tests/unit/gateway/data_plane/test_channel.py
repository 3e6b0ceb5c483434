# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket

from gateway.data_plane.channel import Message, WorkerChannel


class End:
    """Collects what a channel hands on."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def open(self, end: socket.socket) -> WorkerChannel:
        return await WorkerChannel.open(end, self.messages.put_nowait, self.closed.set)


async def pair() -> tuple[WorkerChannel, End, WorkerChannel, End]:
    left, right = socket.socketpair()
    one, other = End(), End()
    return await one.open(left), one, await other.open(right), other


async def test_messages_arrive_whole_and_in_order() -> None:
    master, _, worker, heard = await pair()
    large = bytes(range(256)) * 20_000
    master.send("prepare", {"hash": "h"}, large)
    master.send("commit")
    assert await heard.messages.get() == Message("prepare", {"hash": "h"}, large)
    assert await heard.messages.get() == Message("commit", {}, b"")
    master.close()
    worker.close()


async def test_both_sides_talk_at_once() -> None:
    master, responses, worker, asked = await pair()
    for number in range(50):
        master.send("ask", {"n": number})
        worker.send("tell", {"n": number})
    assert [(await asked.messages.get()).data["n"] for _ in range(50)] == list(range(50))
    assert [(await responses.messages.get()).data["n"] for _ in range(50)] == list(range(50))
    master.close()
    worker.close()


async def test_the_end_of_one_side_is_reported_and_sending_does_nothing_then() -> None:
    master, _, worker, heard = await pair()
    master.send("last")
    master.close()
    await heard.closed.wait()
    assert (await heard.messages.get()).kind == "last"
    worker.send("too late")
