# SPDX-License-Identifier: Apache-2.0
"""What one who died left behind: at each moment of its death there is one record in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.kafka import topic_search
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.chain import Chain
from gateway.plugins.idempotency.attempt import Attempt
from gateway.plugins.idempotency.handler import Idempotency
from gateway.plugins.idempotency.recovery import Note, read_note, recovery_of
from gateway.plugins.idempotency.schema import Config
from gateway.plugins.idempotency.storage import RedisStorage, make_storage
from gateway.plugins.kafka_upstream.handler import KafkaUpstream
from gateway.plugins.kafka_upstream.schema import Config as KafkaUpstreamConfig
from gateway.plugins.node_store import LocalStore, NodeStore
from gateway.plugins.shared_store import Seen, Standing
from gateway.redis.clients import RedisClients
from tests.support.broker import Broker
from tests.support.keyed import ask, keyed
from tests.support.mock_kafka import mock_kafka
from tests.support.producing import on_broker
from tests.support.valkey import Valkey, running_valkey

MARK = bytes(range(32))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_search, "SETTLE", 0.1)


class Holder:
    """A worker with the plugin and one that writes records; it may die at any moment."""

    def __init__(self, workers: Workers, **produce: Any) -> None:
        self._workers = workers
        self._store = LocalStore(workers.store)
        self.context = PluginContext(
            producers=workers.pool,
            certificate=lambda _: None,
            trusted_ca=workers.broker.ca_file,
            store=self._store,
            redis=workers.redis,
        )
        given = {"producer_async": False, "timeout": 4000, **workers.produce, **produce}
        config = on_broker(workers.broker, workers.topic, **given)
        self.upstream = KafkaUpstream(KafkaUpstreamConfig(**config), self.context)
        self.storage = make_storage(workers.config, self.context)
        self.plugin = Idempotency(workers.config, self.context)
        self.chain = Chain([self.plugin, self.upstream])

    async def begin(self, body: bytes = b"{}") -> tuple[Attempt, Any, Seen]:
        """Claim the key, and no more."""
        request = keyed(body=body)
        request.chain = self.chain
        attempt = Attempt("idempotency:key", MARK)
        return attempt, request, await self.storage.begin(attempt, request)

    async def write(self, request: Any) -> Response:
        """Write the request's record."""
        return await ask(Chain([self.upstream]), request)

    async def die(self) -> None:
        """Be gone, as a process that was killed is: what was begun stays begun."""
        self._workers.store.disown(self._store)
        self._workers.holders.remove(self)
        await self.close()

    async def close(self) -> None:
        self.upstream.close()
        self.storage.close()
        self.plugin.close()


class Workers:
    """Workers that share a storage, and a topic of records."""

    def __init__(
        self, broker: Broker, pool: ProducerPool, config: Config, produce: dict[str, Any]
    ) -> None:
        self.broker, self.pool, self.config = broker, pool, config
        self.produce = produce
        self.topic = broker.topic(2)
        self.store = NodeStore()
        self.redis = RedisClients()
        self.holders: list[Holder] = []

    def holder(self, **produce: Any) -> Holder:
        """Start another worker."""
        self.holders.append(Holder(self, **produce))
        return self.holders[-1]


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "memory":
        return {"storage": "memory"}
    valkey = request.getfixturevalue("valkey")
    valkey.ask("FLUSHALL")
    return {"storage": "redis", "redis": {"host": "127.0.0.1", "port": valkey.port}}


@asynccontextmanager
async def workers(
    broker: Broker, storage: dict[str, Any], *, readable: bool = True, **produce: Any
) -> AsyncIterator[Workers]:
    pool = ProducerPool(asyncio.get_running_loop())
    config = Config(wait_timeout=30, **storage)
    made = Workers(broker, pool, config, produce)
    if readable:
        broker.allow(broker.writer, made.topic, "read")
    try:
        yield made
    finally:
        for holder in made.holders:
            await holder.close()
        await made.redis.close()
        await pool.close(5)


async def test_one_killed_before_its_record_is_followed_by_one_that_writes_it(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage) as many:
        dead, alive = many.holder(), many.holder()
        assert (await dead.begin())[2].standing is Standing.BEGUN
        await dead.die()
        _, request, seen = await alive.begin()
        assert seen.standing is Standing.BEGUN
        assert (await alive.write(request)).status == 200
        assert broker.count(many.topic) == 1


async def test_one_killed_between_record_and_answer_is_followed_by_one_that_answers_only(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage) as many:
        dead, alive = many.holder(), many.holder()
        _, request, _ = await dead.begin()
        first = await dead.write(request)
        await dead.die()
        attempt, request, seen = await alive.begin()
        assert seen.standing is Standing.BEGUN
        second = await alive.write(request)
        assert (second.status, second.headers, second.body) == (
            first.status,
            first.headers,
            first.body,
        )
        await alive.storage.finish(attempt, MARK + b"answer")
        assert broker.count(many.topic) == 1
        last = (await many.holder().begin())[2]
        assert (last.standing, last.value) == (Standing.FOUND, MARK + b"answer")


async def test_one_killed_after_its_answer_is_not_missed(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage) as many:
        dead, alive = many.holder(), many.holder()
        attempt, request, _ = await dead.begin()
        await dead.write(request)
        await dead.storage.finish(attempt, MARK + b"answer")
        await dead.die()
        assert (await alive.begin())[2].standing is Standing.FOUND


async def test_of_many_records_only_those_that_miss_are_written(
    broker: Broker, storage: dict[str, Any]
) -> None:
    body = b"1\n2\n3\n"
    async with workers(broker, storage, records="ndjson", key_header="k") as many:
        dead, alive = many.holder(), many.holder()
        _, request, _ = await dead.begin(body)
        request.body = b"1\n2\n"
        assert (await dead.write(request)).status == 200
        await dead.die()
        _, request, _ = await alive.begin(body)
        answer = await alive.write(request)
        assert answer.status == 200
        assert isinstance(answer.body, bytes)
        assert answer.body.count(b"sent") == 4
        assert broker.count(many.topic) == 3


async def test_one_that_takes_over_and_dies_too_is_followed_by_a_third(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage) as many:
        first, second, third = (many.holder() for _ in range(3))
        await first.begin()
        await first.die()
        _, request, _ = await second.begin()
        await second.write(request)
        await second.die()
        _, request, seen = await third.begin()
        assert seen.standing is Standing.BEGUN
        assert (await third.write(request)).status == 200
        assert broker.count(many.topic) == 1


async def test_one_that_was_stopped_for_longer_than_its_lease_writes_nothing_when_it_goes_on(
    broker: Broker, valkey: Valkey
) -> None:
    """As after SIGSTOP: it renews no more, and its successor takes over."""
    valkey.ask("FLUSHALL")
    redis = {"storage": "redis", "redis": {"host": "127.0.0.1", "port": valkey.port}}
    async with workers(broker, redis) as many:
        stopped, alive = many.holder(), many.holder()
        attempt, request, _ = await stopped.begin()
        assert isinstance(stopped.storage, RedisStorage)
        await stopped.storage.stop()
        _, other, seen = await alive.begin()
        assert seen.standing is Standing.BEGUN
        answer = await stopped.write(request)
        assert answer.status == 503
        assert (b"Retry-After", b"1") in answer.headers
        await stopped.storage.release(attempt, responded=True)
        assert (await alive.write(other)).status == 200
        assert broker.count(many.topic) == 1


async def test_without_the_right_to_read_what_was_cut_off_is_refused(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage, readable=False) as many:
        dead, alive = many.holder(), many.holder()
        _, request, _ = await dead.begin()
        await dead.write(request)
        await dead.die()
        assert (await alive.begin())[2].standing is Standing.LOST
        assert (await alive.begin())[2].standing is Standing.LOST, "for good"
        assert broker.count(many.topic) == 1


async def test_a_route_that_writes_elsewhere_by_now_does_not_write_it_again(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage) as many:
        dead = many.holder()
        _, request, _ = await dead.begin()
        await dead.write(request)
        await dead.die()
        before, many.topic = many.topic, broker.topic()
        assert (await many.holder().begin())[2].standing is Standing.LOST
        assert (broker.count(before), broker.count(many.topic)) == (1, 0)


async def test_a_client_that_leaves_after_a_search_leaves_no_free_key_behind(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage) as many:
        dead, alive = many.holder(), many.holder()
        _, request, _ = await dead.begin()
        await dead.write(request)
        await dead.die()
        attempt, _, _ = await alive.begin()
        await alive.storage.release(attempt)
        _, request, _ = await alive.begin()
        await alive.write(request)
        assert broker.count(many.topic) == 1


async def test_an_attempt_that_failed_without_an_outcome_is_looked_for_by_the_next(
    broker: Broker, storage: dict[str, Any]
) -> None:
    """A 502 for a time limit, of a record that was written all the same."""
    async with workers(broker, storage) as many:
        one = many.holder()
        attempt, request, _ = await one.begin()
        await one.write(request)
        await one.storage.release(attempt, responded=True)
        _, request, seen = await one.begin()
        assert seen.standing is Standing.BEGUN
        assert (await one.write(request)).status == 200
        assert broker.count(many.topic) == 1


async def test_where_nothing_can_be_read_a_failure_that_was_answered_may_be_tried_again(
    broker: Broker, storage: dict[str, Any]
) -> None:
    async with workers(broker, storage, readable=False) as many:
        one = many.holder()
        attempt, request, _ = await one.begin()
        await one.write(request)
        await one.storage.release(attempt, responded=True)
        assert (await one.begin())[2].standing is Standing.BEGUN


async def test_a_plain_request_costs_no_search(broker: Broker, storage: dict[str, Any]) -> None:
    async with workers(broker, storage, readable=False) as many:
        one = many.holder()
        answers = [await ask(one.chain, _over(one.chain)) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        (record,) = broker.records(many.topic)
        ((name, value),) = record.headers()
        assert name == "kafka-gateway-idempotency"
        assert value[-2:] == b"-0"
        assert b"k-1" not in value


def _over(chain: Chain) -> Any:
    request = keyed()
    request.chain = chain
    return request


@given(st.binary(max_size=80))
def test_any_note_is_read_or_is_none(value: bytes) -> None:
    found = read_note(value)
    assert found is None or read_note(found.pack()) == found


def test_a_note_is_read_as_it_was_written() -> None:
    note = Note("u", 1.5, ("t",), ("a:1",))
    assert read_note(note.pack()) == note
    assert read_note(note.after_response().pack()) == note.after_response()
    assert note.after_response().responded


async def test_what_cannot_be_found_again_is_not_looked_for() -> None:
    request = keyed()
    assert recovery_of(request) is None
    request.chain = Chain()
    assert recovery_of(request) is None
    pool = ProducerPool(asyncio.get_running_loop())
    with mock_kafka() as kafka:
        context = PluginContext(producers=pool, certificate=lambda _: None)
        config: dict[str, Any] = {"topic": "t", "bootstrap_servers": kafka.servers}
        handlers = [KafkaUpstream(KafkaUpstreamConfig(**config), context) for _ in range(2)]
        request.chain = Chain(handlers)
        assert recovery_of(request) is None, "either may write"
        request.chain = Chain(handlers[:1])
        found = recovery_of(request)
        assert found is not None
        assert found.topics == ("t",)
        assert recovery_of(request) is found, "made once"
        note = found.note()
        assert read_note(found.packed(note)) == read_note(note.pack()) == note
        assert found.lease * 3 / 4 - 1 > found.config.deadline / 1000
        for handler in handlers:
            handler.close()
        await pool.close(5)
