# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import NodeStoreUnavailable
from gateway.plugins.node_store import NodeStore
from gateway.plugins.shared_store import Seen, Standing


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def begin(store: NodeStore, key: str = "k", mark: bytes = b"m", **more: object) -> Seen:
    given = {"wait": 0.0, "ttl": 60.0, **more}
    return await store.begin(key, mark, **given)  # type: ignore[arg-type]  # keywords of a test


def test_a_value_is_kept_until_its_time_is_over() -> None:
    clock = Clock()
    store = NodeStore(clock=clock)
    assert store.put("a", b"1", 5)
    assert store.get("a") == b"1"
    clock.now = 5
    assert store.get("a") is None
    assert len(store) == 0
    assert store.bytes == 0


def test_the_value_that_was_used_least_recently_makes_room() -> None:
    store = NodeStore(max_bytes=4000, max_entries=100)
    for name in "abc":
        assert store.put(name, bytes(800), 60)
    store.get("a")
    assert store.put("d", bytes(800), 60)
    assert [name for name in "abcd" if store.get(name) is not None] == ["a", "c", "d"]


def test_a_value_that_is_too_large_is_refused_and_takes_its_old_one_along() -> None:
    store = NodeStore(max_bytes=4000)
    assert store.put("a", b"old", 60)
    assert not store.put("a", bytes(3000), 60)
    assert store.get("a") is None


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "get", "remove", "pass"]),
            st.sampled_from("abcdef"),
            st.integers(0, 900),
        )
    )
)
def test_bytes_and_entries_never_pass_their_bounds(steps: list[tuple[str, str, int]]) -> None:
    clock = Clock()
    store = NodeStore(max_bytes=4000, max_entries=4, clock=clock)
    for step, key, number in steps:
        if step == "put":
            store.put(key, bytes(number), 10)
        elif step == "get":
            store.get(key)
        elif step == "remove":
            store.remove(key)
        else:
            clock.now += number / 100
        assert 0 <= store.bytes <= 4000
        assert len(store) <= 4
    store.clear("")
    assert store.bytes == 0


def test_clearing_forgets_what_begins_so() -> None:
    store = NodeStore()
    for key in ("x:1", "x:2", "y:1"):
        store.put(key, b"", 60)
    assert store.clear("x:") == 2
    assert store.get("y:1") == b""
    assert store.remove("y:1")
    assert not store.remove("y:1")


async def test_of_many_who_begin_at_once_one_does_and_all_see_its_result() -> None:
    store = NodeStore()
    seen = [asyncio.create_task(begin(store, wait=20.0)) for _ in range(50)]
    await asyncio.sleep(0)
    (first,) = [task.result() for task in seen if task.done()]
    assert first.standing is Standing.BEGUN
    assert store.finish("k", first.token, b"done", 60)
    everyone = await asyncio.gather(*seen)
    assert sorted(one.standing for one in everyone) == ["begun"] + ["found"] * 49
    assert {one.value for one in everyone if one.standing is Standing.FOUND} == {b"done"}


async def test_who_waits_takes_over_what_was_released() -> None:
    store = NodeStore()
    first = await begin(store)
    waiting = [asyncio.create_task(begin(store, wait=20.0)) for _ in range(3)]
    await asyncio.sleep(0)
    store.release("k", first.token)
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    (second,) = [task.result() for task in waiting if task.done()]
    assert second.standing is Standing.BEGUN
    assert not store.finish("k", first.token, b"late", 60), "the claim is another's now"
    store.finish("k", second.token, b"done", 60)
    await asyncio.gather(*waiting)


async def test_the_time_to_wait_is_bounded_and_another_mark_is_not_waited_for() -> None:
    store = NodeStore()
    await begin(store)
    assert (await begin(store, wait=0.01)).standing is Standing.BUSY
    assert (await begin(store, mark=b"other", wait=60.0)).standing is Standing.OTHER


@pytest.mark.parametrize("again", [False, True])
async def test_what_the_dead_had_begun_is_lost_or_taken_over(again: bool) -> None:
    store = NodeStore()
    await begin(store, owner="dead")
    waiting = asyncio.create_task(begin(store, wait=20.0, again=again))
    await asyncio.sleep(0)
    store.disown("dead")
    expected = Standing.TAKEN if again else Standing.LOST
    assert (await waiting).standing is expected


async def test_who_takes_a_claim_over_gets_the_note_of_the_first_and_no_other_mark_does() -> None:
    store = NodeStore()
    first = await begin(store, note=b"first")
    store.lose("k", "another")
    assert (await begin(store, again=True)).standing is Standing.BUSY
    store.lose("k", first.token)
    assert (await begin(store, mark=b"other", again=True)).standing is Standing.OTHER
    second = await begin(store, again=True, note=b"second")
    assert (second.standing, second.value) == (Standing.TAKEN, b"first")
    assert not store.finish("k", first.token, b"late", 60)
    store.lose("k", second.token, b"changed")
    third = await begin(store, again=True)
    assert (third.standing, third.value) == (Standing.TAKEN, b"changed")
    store.release("k", third.token)
    assert (len(store), store.bytes) == (0, 0)


async def test_a_lost_claim_for_whose_successor_there_is_no_room_stays_lost() -> None:
    store = NodeStore(max_bytes=1500)
    first = await begin(store, note=bytes(300))
    store.lose("k", first.token)
    with pytest.raises(NodeStoreUnavailable, match="full"):
        await begin(store, again=True)
    assert (await begin(store)).standing is Standing.LOST


async def test_a_claim_ends_with_its_time() -> None:
    clock = Clock()
    store = NodeStore(clock=clock)
    first = await begin(store, ttl=5.0)
    clock.now = 5
    assert not store.finish("k", first.token, b"", 60)
    assert (await begin(store)).standing is Standing.BEGUN


async def test_results_are_not_pushed_out_by_values() -> None:
    store = NodeStore(max_bytes=10_000, max_entries=100)
    first = await begin(store)
    store.finish("k", first.token, b"result", 60)
    for number in range(100):
        store.put(str(number), bytes(900), 60)
    assert store.get("k") == b"result"


async def test_when_there_is_no_room_the_oldest_result_goes_and_never_a_claim() -> None:
    store = NodeStore(max_bytes=10_000, max_entries=100)
    working = await begin(store, "working")
    for number in range(50):
        seen = await begin(store, f"key {number}")
        assert store.finish(f"key {number}", seen.token, b"result", 60)
        assert store.bytes <= 10_000
    assert store.get("key 49") == b"result"
    assert store.get("key 0") is None
    assert store.finish("working", working.token, b"done", 60)


async def test_when_all_is_being_worked_on_beginning_is_refused_until_some_is_over() -> None:
    clock = Clock()
    store = NodeStore(max_bytes=10_000, max_entries=100, clock=clock)
    with pytest.raises(NodeStoreUnavailable, match="full"):
        for number in range(100):
            await begin(store, f"key {number}")
    clock.now = 100
    assert (await begin(store, "later")).standing is Standing.BEGUN


async def test_releasing_and_expiring_give_all_memory_back() -> None:
    clock = Clock()
    store = NodeStore(clock=clock)
    first, second = await begin(store), await begin(store, "l")
    store.release("k", first.token)
    store.finish("l", second.token, b"result", 10)
    clock.now = 100
    assert (await begin(store, "m", ttl=1.0)).standing is Standing.BEGUN
    clock.now = 200
    assert store.get("m") is None
    assert (store.bytes, len(store)) == (0, 0)
