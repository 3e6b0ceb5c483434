# SPDX-License-Identifier: Apache-2.0
"""A client of librdkafka is freed when nothing uses it, and nothing uses it after that."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import ProduceError
from gateway.kafka.batch import Batch
from gateway.kafka.client import Client
from gateway.kafka.handle import Handle
from gateway.kafka.librdkafka import DESTROYED
from tests.support.mock_kafka import silence
from tests.support.producing import until

SETTINGS = {"bootstrap.servers": "127.0.0.1:1", "log_level": "0"}
"""Nothing listens there: what is sent stays with librdkafka."""
LARGE = 64 * 1024


class Listener:
    """Takes errors and nothing else."""

    def on_deliveries(self, messages: Sequence[Any]) -> None: ...

    def on_error(self, code: int, detail: str) -> None: ...

    def on_fatal(self, code: int, detail: str) -> None: ...

    def on_log(self, level: int, facility: str, message: str) -> None: ...

    def on_token_wanted(self) -> None: ...


def opened(listener: Listener | None = None, servers: str = "127.0.0.1:1") -> Client:
    settings = SETTINGS | {"bootstrap.servers": servers}
    return Client(settings, asyncio.get_running_loop(), listener or Listener())


def ended(client: Client) -> None:
    """Destroy a client on another thread and wait for it, so that the loop has had no turn."""
    client.detach()
    thread = threading.Thread(target=client.destroy)
    thread.start()
    thread.join()


def batch_of(values: list[bytes], headed: bool = False) -> Batch:
    batch = Batch()
    for token, value in enumerate(values, 1):
        batch.add(token, value, None, [("a", b"b")] if headed else (), len(value))
    return batch


def in_child(scenario: str) -> None:
    """Run a coroutine function of this module in a process of its own, which has to live on."""
    code = f"import uvloop, {__name__} as here; uvloop.run(here.{scenario}())"
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert child.returncode == 0, child.stderr


async def end_before_the_first_turn() -> None:
    """What was queued before the descriptor was watched is looked for in the loop's next turn."""
    for _ in range(30):
        ended(opened())
        await asyncio.sleep(0)


async def call_after_the_end() -> None:
    for _ in range(10):
        client = opened()
        client.topic("t")
        ended(client)
        for batch in (batch_of([b"v"]), batch_of([b"v"] * 3), batch_of([b"v"] * 2, headed=True)):
            refused = [(token, DESTROYED) for token in batch.tokens]
            assert client.produce("t", batch) == refused
        with pytest.raises(ProduceError, match="_DESTROY"):
            client.topic("t")
        assert (client.metadata("t", 100), client.metadata(None, 100)) == (DESTROYED, DESTROYED)
        client.set_token("t", 2**40, "p", [("a", "b")])
        client.token_failed("because")
        assert client.queued == 0
        client.purge()
        client.push()
        client.mute()
        ended(client)


@pytest.mark.parametrize("scenario", ["end_before_the_first_turn", "call_after_the_end"])
def test_a_client_that_has_ended_is_not_used(scenario: str) -> None:
    in_child(scenario)


async def test_it_is_freed_after_the_calls_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    free = Handle.free

    def note(handle: Handle, topics: Any) -> None:
        order.append("freed")
        free(handle, topics)

    monkeypatch.setattr(Handle, "free", note)
    with silence() as server:
        client = opened(servers=server)

        def ask() -> None:
            assert client.metadata(None, 1000) != 0
            order.append("asked")

        asking = threading.Thread(target=ask)
        asking.start()
        await until(lambda: client._handle._calls > 0 or "asked" in order)
        client.detach()
        await asyncio.to_thread(client.destroy)
        asking.join()
    assert order == ["asked", "freed"]


async def test_a_listener_may_have_it_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was told is still there until it returns, and it is told nothing more."""
    told: list[str] = []
    freed_inside: list[bool] = []
    inside = False
    ending: list[threading.Thread] = []
    free = Handle.free

    def note(handle: Handle, topics: Any) -> None:
        freed_inside.append(inside)
        free(handle, topics)

    class Ending(Listener):
        def on_error(self, code: int, detail: str) -> None:
            nonlocal inside
            inside = True
            told.append(detail)
            client.detach()
            ending.append(threading.Thread(target=client.destroy))
            ending[-1].start()
            inside = False

    monkeypatch.setattr(Handle, "free", note)
    client = opened(Ending())
    await until(lambda: bool(ending))
    await asyncio.to_thread(ending[0].join)
    assert (len(told), len(ending), freed_inside) == (1, 1, [False])


async def test_values_that_are_lent_stay_when_a_client_is_forgotten() -> None:
    """librdkafka goes on sending them, from where they are."""
    value = b"x" * LARGE
    before = sys.getrefcount(value)
    client: Client | None = opened()
    assert client is not None
    assert client.produce("t", batch_of([value])) == []
    handle, pusher = client._handle, client._pusher
    asyncio.get_running_loop().remove_reader(handle.read_end)
    # The loop's next turn lets go of it too.
    await asyncio.sleep(0)
    client = None
    handle.lent = {}
    gc.collect()
    assert sys.getrefcount(value) == before + 1
    handle.close()
    await asyncio.to_thread(pusher.stop)
    await asyncio.to_thread(handle.free, [])
    assert sys.getrefcount(value) == before


async def test_settings_that_librdkafka_does_not_know_are_named_without_their_value() -> None:
    with pytest.raises(ProduceError, match=r"no\.such\.setting") as caught:
        Handle({"no.such.setting": "hidden"})
    assert "hidden" not in str(caught.value)
