# SPDX-License-Identifier: Apache-2.0
"""The first request with a key has its effect; all that follow get its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import NodeStoreUnavailable
from gateway.http.messages import Pending, Response
from gateway.plugins.base import PluginContext
from gateway.plugins.idempotency import PLUGIN
from gateway.plugins.node_store import LocalStore, NodeStore
from gateway.plugins.shared_store import Seen, Standing
from tests.support.keyed import Counted, ask, chain_of, keyed, start
from tests.support.producing import until

REPLAYED = (b"Idempotent-Replayed", b"true")


def test_it_runs_after_limits_and_before_the_plugins_that_write_records() -> None:
    assert 752 < PLUGIN.priority < 800


async def test_a_repeated_request_gets_status_headers_and_body_of_the_first() -> None:
    behind = Counted(lambda: Response(201, [(b"X-Run", b"1")], b"made"))
    chain = chain_of(behind)
    first, second = await ask(chain, keyed()), await ask(chain, keyed())
    assert (first.status, first.headers, first.body) == (201, [(b"X-Run", b"1")], b"made")
    assert (second.status, second.headers, second.body) == (
        201,
        [(b"X-Run", b"1"), REPLAYED],
        b"made",
    )
    assert behind.runs == 1


async def test_a_hundred_at_once_have_one_effect_and_one_answer() -> None:
    behind = Counted(held=True)
    chain = chain_of(behind)
    tasks = [start(chain, keyed()) for _ in range(100)]
    await until(lambda: behind.waiting)
    behind.respond()
    answers = await asyncio.gather(*tasks)
    assert behind.runs == 1
    assert {(one.status, one.body) for one in answers} == {(200, b"done")}
    assert sum(REPLAYED in one.headers for one in answers) == 99


async def test_another_body_under_the_key_is_a_422_also_while_the_first_runs() -> None:
    behind = Counted(held=True)
    chain = chain_of(behind)
    first = start(chain, keyed())
    await until(lambda: behind.waiting)
    assert (await ask(chain, keyed(body=b"[]"))).status == 422
    behind.respond()
    await first
    assert (await ask(chain, keyed(body=b"[]"))).status == 422
    assert behind.runs == 1


async def test_one_that_waits_too_long_is_a_409_with_retry_after() -> None:
    behind = Counted(held=True)
    chain = chain_of(behind, wait_timeout=0.01)
    first = start(chain, keyed())
    await until(lambda: behind.waiting)
    second = await ask(chain, keyed())
    assert second.status == 409
    assert (b"Retry-After", b"1") in second.headers
    behind.respond()
    assert (await first).status == 200


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_failed_attempt_leaves_the_key_free(status: int) -> None:
    behind = Counted(lambda: Response(status, []), lambda: Response(200, []))
    chain = chain_of(behind)
    assert (await ask(chain, keyed())).status == status
    assert (await ask(chain, keyed())).status == 200
    assert (await ask(chain, keyed())).status == 200
    assert behind.runs == 2


async def test_an_answer_that_breaks_off_is_a_502_and_leaves_the_key_free() -> None:
    behind = Counted(lambda: Response(200, [], _broken()), lambda: Response(200, [], b"whole"))
    chain = chain_of(behind)
    assert (await ask(chain, keyed())).status == 502
    answer = await ask(chain, keyed())
    assert (answer.status, answer.body) == (200, b"whole")


async def test_one_that_waits_takes_over_from_one_that_failed() -> None:
    behind = Counted(held=True)
    chain = chain_of(behind)
    tasks = [start(chain, keyed()) for _ in range(3)]
    await until(lambda: behind.waiting)
    behind.respond(503)
    await until(lambda: behind.runs == 2)
    behind.respond(200)
    answers = await asyncio.gather(*tasks)
    assert sorted(answer.status for answer in answers) == [200, 200, 503]


async def test_a_refusal_is_an_answer_like_any_other() -> None:
    behind = Counted(lambda: Response(400, [], b"no"))
    chain = chain_of(behind)
    assert [(await ask(chain, keyed())).status for _ in range(2)] == [400, 400]
    assert behind.runs == 1


async def test_consumers_and_routes_do_not_see_each_others_answers() -> None:
    behind = Counted()
    chain = chain_of(behind)
    for consumer, route in (("a", "r"), ("b", "r"), ("a", "s"), (None, "r")):
        asked = keyed(route=route)
        asked.consumer = {"id": consumer} if consumer else None
        assert REPLAYED not in (await ask(chain, asked)).headers
    assert behind.runs == 4


async def test_without_a_key_it_passes_or_is_a_400() -> None:
    behind = Counted()
    assert [(await ask(chain_of(behind), keyed(None))).status for _ in range(2)] == [200, 200]
    assert behind.runs == 2
    refused = await ask(chain_of(behind, required=True), keyed(None))
    assert refused.status == 400
    assert isinstance(refused.body, bytes)
    assert b"Idempotency-Key is missing" in refused.body


async def test_the_header_may_have_another_name() -> None:
    behind = Counted()
    chain = chain_of(behind, header_name="X-Request-Key")
    for _ in range(2):
        await ask(chain, keyed(None, headers=[("x-request-key", "a")]))
    assert behind.runs == 1


@settings(max_examples=50)
@given(st.binary(min_size=1, max_size=300).filter(lambda key: not set(key) & {10, 13}))
def test_any_key_is_taken_or_refused_and_never_a_500(key: bytes) -> None:
    async def asked() -> list[int]:
        chain, found = chain_of(Counted()), []
        for _ in range(2):
            one = keyed(None)
            one.headers.append((b"idempotency-key", key))
            found.append((await ask(chain, one)).status)
        return found

    assert asyncio.run(asked()) in ([200, 200], [400, 400])


async def test_the_attempt_goes_on_when_its_client_leaves() -> None:
    behind = Counted(held=True)
    chain = chain_of(behind)
    left = chain.run(keyed())
    assert isinstance(left, Pending)
    await until(lambda: behind.waiting)
    left.abandon()
    waiting = start(chain, keyed())
    await asyncio.sleep(0)
    behind.respond()
    answer = await waiting
    assert (answer.status, REPLAYED in answer.headers, behind.runs) == (200, True, 1)


async def test_a_client_that_leaves_while_it_begins_leaves_no_claim_behind() -> None:
    class Slow(LocalStore):
        def __init__(self) -> None:
            super().__init__()
            self.begun, self.go_on = asyncio.Event(), asyncio.Event()

        async def begin(self, *arguments: Any, **more: Any) -> Seen:
            seen = await super().begin(*arguments, **more)
            self.begun.set()
            await self.go_on.wait()
            return seen

    store, behind = Slow(), Counted()
    chain = chain_of(behind, _context(store), wait_timeout=20)
    left = chain.run(keyed())
    assert isinstance(left, Pending)
    await store.begun.wait()
    left.abandon()
    await asyncio.sleep(0)
    store.go_on.set()
    assert (await ask(chain, keyed())).status == 200
    assert behind.runs == 1


async def test_an_answer_too_large_to_keep_is_given_once_and_never_repeated() -> None:
    behind = Counted(lambda: Response(200, [], bytes(100)))
    chain = chain_of(behind, max_body_size=10)
    assert (await ask(chain, keyed())).body == bytes(100)
    assert (await ask(chain, keyed())).status == 409
    assert behind.runs == 1


@pytest.mark.parametrize(("outcome", "status", "runs"), [("refuse", 409, 1), ("repeat", 200, 2)])
async def test_what_was_cut_off_is_refused_or_repeated(
    outcome: str, status: int, runs: int
) -> None:
    store = NodeStore()
    behind = Counted(held=True)
    dead, alive = LocalStore(store), LocalStore(store)
    cut = start(chain_of(behind, _context(dead), unknown_outcome=outcome), keyed())
    await until(lambda: behind.waiting)
    waiting = start(chain_of(behind, _context(alive), unknown_outcome=outcome), keyed())
    await asyncio.sleep(0.01)
    store.disown(dead)
    if runs == 2:
        await until(lambda: behind.runs == 2)
        behind.waiting.reverse()
        behind.respond()
    assert (await waiting).status == status
    assert behind.runs == runs
    cut.cancel()


@pytest.mark.parametrize(("open_", "status"), [(False, 503), (True, 200)])
async def test_without_its_storage_it_refuses_unless_it_fails_open(
    open_: bool, status: int
) -> None:
    class Broken(LocalStore):
        async def begin(self, *_: Any, **__: Any) -> Seen:
            raise NodeStoreUnavailable("gone")

    chain = chain_of(Counted(), _context(Broken()), fail_open=open_)
    answer = await ask(chain, keyed())
    assert answer.status == status
    assert ((b"Retry-After", b"1") in answer.headers) is (status == 503)


async def test_an_answer_that_cannot_be_read_is_not_repeated() -> None:
    class Broken(LocalStore):
        async def begin(self, *_: Any, **__: Any) -> Seen:
            return Seen(Standing.FOUND, value=b"garbage")

    behind = Counted()
    assert (await ask(chain_of(behind, _context(Broken())), keyed())).status == 409
    assert behind.runs == 0


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same() -> None:
    class Broken(LocalStore):
        async def finish(self, *_: Any, **__: Any) -> bool:
            raise NodeStoreUnavailable("gone")

    chain = chain_of(Counted(), _context(Broken()), wait_timeout=0)
    assert (await ask(chain, keyed())).status == 200
    assert (await ask(chain, keyed())).status == 409, "it is not repeated"


async def test_the_window_ends() -> None:
    now = [0.0]
    store = LocalStore(NodeStore(clock=lambda: now[0]))
    behind = Counted()
    chain = chain_of(behind, _context(store), window=60)
    await ask(chain, keyed())
    now[0] = 59
    await ask(chain, keyed())
    assert behind.runs == 1
    now[0] = 60
    await ask(chain, keyed())
    assert behind.runs == 2


async def _broken() -> AsyncIterator[bytes]:
    yield b"half"
    raise ConnectionResetError("the upstream closed the connection")


def _context(store: LocalStore) -> PluginContext:
    return PluginContext(producers=None, certificate=lambda _: None, store=store)  # type: ignore[arg-type]  # no producer is used
