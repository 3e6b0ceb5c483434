# SPDX-License-Identifier: Apache-2.0
"""Kafka's own access rules decide by caller, on a real broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.http.messages import Request, Response
from gateway.plugins.chain import Chain
from gateway.plugins.consumers import Consumers
from gateway.plugins.kafka_quota.handler import KafkaQuota
from gateway.plugins.kafka_quota.schema import Config as QuotaConfig
from gateway.plugins.kafka_upstream.handler import KafkaUpstream
from gateway.plugins.kafka_upstream.schema import Config as KafkaUpstreamConfig
from gateway.plugins.produce import callers
from gateway.plugins.produce.callers import NO_CREDENTIAL, TOO_MANY
from gateway.plugins.produce.handler import ProduceHandler
from tests.support.broker import Broker
from tests.support.producing import Worker, answer, body_of, on_broker, request, until, working

pytestmark = pytest.mark.kafka

ROWS: dict[str, Any] = {
    "consumers": [{"id": str(n), "username": name} for n, name in enumerate(["ann", "bob", "eve"])],
    "consumer_groups": [{"id": "g", "name": "writers"}],
    "consumer_group_consumers": [{"consumer": "2", "consumer_group": "g"}],
}
CONSUMERS = Consumers(ROWS)


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    """A topic that ``writer`` may write to, and ``second`` may not."""
    return broker.topic()


def shown(user: tuple[str, str], **whose: str) -> dict[str, str]:
    return {**whose, "user": user[0], "password": user[1]}


def config(broker: Broker, topic: str, *given: dict[str, str], **more: Any) -> dict[str, Any]:
    return on_broker(
        broker,
        topic,
        producer_async=False,
        error_handling={"return_error_message": True},
        consumer_credentials={"credentials": list(given), **more},
    )


def by(name: str | None) -> Request:
    made = request(body=b'{"by":"%b"}' % str(name).encode(), method="POST")
    found = None if name is None else CONSUMERS.find(name, "username")
    made.consumer = found or (None if name is None else {"id": name, "username": name})
    return made


def plugin(worker: Worker, settings: dict[str, Any]) -> ProduceHandler:
    made = KafkaUpstreamConfig.model_validate(settings)
    return KafkaUpstream(made, worker.context(consumers=CONSUMERS))


def ask(broker: Broker, settings: dict[str, Any], *names: str | None) -> list[tuple[int, str]]:
    """Return status and text for each caller, one after the other."""

    async def job(worker: Worker) -> list[tuple[int, str]]:
        handler = plugin(worker, settings)
        found: list[Response] = [await answer(handler, by(name)) for name in names]
        handler.close()
        return [(one.status, str(body_of(one).get("error"))) for one in found]

    return working(job, broker.ca_file)


def test_the_brokers_rules_let_one_consumer_write_and_refuse_another(
    broker: Broker, topic: str
) -> None:
    settings = config(
        broker,
        topic,
        shown(broker.writer, consumer="ann"),
        shown(broker.second, consumer="1"),
        shown(broker.writer, consumer_group="writers"),
    )
    before = broker.count(topic)
    ann, bob, eve, nobody, other = ask(broker, settings, "ann", "bob", "eve", None, "mallory")
    assert ann == eve == (200, "None")
    assert bob[0] == 502
    assert bob[1].startswith("TopicAuthorizationFailed")
    assert nobody == other == (403, NO_CREDENTIAL)
    assert broker.count(topic) == before + 2


def test_callers_without_a_credential_may_have_the_plugins_own(broker: Broker, topic: str) -> None:
    given = shown(broker.second, consumer="bob")
    settings = config(broker, topic, given, otherwise="default")
    bob, ann, nobody = ask(broker, settings, "bob", "ann", None)
    assert bob[0] == 502
    assert ann == nobody == (200, "None")


@pytest.mark.parametrize("more", [{}, {"key_header": "x-key"}])
def test_a_quota_changes_nothing_about_whose_credential_it_is(
    broker: Broker, topic: str, more: dict[str, str]
) -> None:
    given = shown(broker.second, consumer="bob")
    settings = config(broker, topic, given, otherwise="default") | more

    async def job(worker: Worker) -> list[int]:
        quota = KafkaQuota(QuotaConfig.model_validate({"records": {"minute": 2}}), worker.context())
        chain = Chain([quota, plugin(worker, settings)])
        names = ("bob", "ann", "ann", "ann", None)
        return [(await answer(chain, by(name))).status for name in names]

    assert working(job, broker.ca_file) == [502, 200, 200, 429, 200]


def test_equal_credentials_share_a_producer_and_idle_ones_are_closed(
    broker: Broker, topic: str
) -> None:
    settings = config(
        broker,
        topic,
        shown(broker.writer, consumer="ann"),
        shown(broker.writer, consumer="eve"),
        shown(broker.second, consumer="bob"),
        idle_timeout=1,
    )

    async def job(worker: Worker) -> None:
        handler = plugin(worker, settings)
        for name, count in (("ann", 1), ("eve", 1), ("bob", 2)):
            await answer(handler, by(name))
            assert len(worker.pool.metrics()["producers"]) == count
        await until(lambda: not worker.pool.metrics()["producers"])
        assert (await answer(handler, by("ann"))).status == 200
        handler.close()
        assert not worker.pool.metrics()["producers"]

    working(job, broker.ca_file)


def test_there_are_never_more_producers_than_allowed(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(
        broker,
        topic,
        shown(broker.writer, consumer="ann"),
        shown(broker.second, consumer="bob"),
        max_producers=1,
    )

    async def job(worker: Worker) -> None:
        handler = plugin(worker, settings)
        monkeypatch.setattr(callers, "_BUSY", 60.0)
        assert (await answer(handler, by("ann"))).status == 200
        refused = await answer(handler, by("bob"))
        assert (refused.status, body_of(refused)) == (503, {"message": TOO_MANY})
        monkeypatch.setattr(callers, "_BUSY", 0.0)
        pending = asyncio.ensure_future(answer(handler, by("ann")))
        await asyncio.sleep(0)
        assert (await answer(handler, by("bob"))).status == 503, "ann's record is on its way"
        assert (await pending).status == 200
        assert (await answer(handler, by("bob"))).status == 502
        assert (await answer(handler, by("ann"))).status == 200
        assert len(worker.pool.metrics()["producers"]) == 1
        handler.close()

    working(job, broker.ca_file)


def test_a_record_says_who_wrote_it(broker: Broker) -> None:
    own = broker.topic()
    identity = {"consumer_username": "written-by", "consumer_groups": "groups"}
    settings = {
        **config(broker, own, shown(broker.writer, consumer_group="writers")),
        "headers": {"identity": identity},
    }
    assert ask(broker, settings, "eve") == [(200, "None")]
    (record,) = broker.records(own)
    assert record.headers() == [("written-by", b"eve"), ("groups", b"writers")]
