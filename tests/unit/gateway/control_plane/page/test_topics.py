# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.control_plane.page.topics import shown_record
from gateway.kafka.admin import KafkaConnection, Record, produce
from tests.support.broker import Broker
from tests.support.page import Visitor, serving_page, text, token_for, words


def shown(value: bytes | None, key: bytes | None = None) -> tuple[str | None, str | None]:
    found = shown_record(Record("t", 0, 1, 1000, key, value, [("h", None), ("g", b"x")]))
    assert found.headers == [("h", ""), ("g", "x")]
    return found.value, found.key


def test_a_record_is_shown_as_text() -> None:
    assert shown(b'{"a":1}', b"k") == ('{"a":1}', "k")
    assert shown(None) == (None, None)
    assert shown(b"\xff\x00") == ("0xff00", None)
    long, _ = shown("é".encode() * 10_000)
    assert long == "é" * 2000 + "…"
    bytes_, _ = shown(b"\xff" * 10_000)
    assert bytes_ is not None
    assert len(bytes_) < 2100


@pytest.mark.kafka
async def test_the_last_records_of_a_topic_are_shown(tmp_path: Path, broker: Broker) -> None:
    topic = broker.topic(2)
    where = KafkaConnection(broker.bootstrap, *broker.admin, ca=broker.ca_file)
    values = [f"value-{number}<b>".encode() for number in range(60)]
    await asyncio.to_thread(produce, where, topic, values)
    (tmp_path / "password").write_text(f"{broker.admin[1]}\n")
    kafka = {
        "page_kafka": broker.bootstrap,
        "page_kafka_ca": broker.ca_file,
        "page_kafka_user": broker.admin[0],
        "page_kafka_password_file": str(tmp_path / "password"),
    }
    async with serving_page(tmp_path, **kafka) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        assert topic in words(await visitor.get("/topics"))
        page = await visitor.get(f"/topics/{topic}")
        assert text(page).count("value-") == 50
        assert "value-59&lt;b&gt;" in text(page)
        assert "cannot read topic" in words(await visitor.get("/topics/there-is-none"))
        reader = Visitor(place)
        await reader.sign_in(await token_for(place, "ann", "publish"))
        assert "Topics" not in words(await reader.get("/releases"))
        assert (await reader.get(f"/topics/{topic}")).status == 403
        assert (await reader.get("/topics")).status == 403


async def test_without_a_kafka_there_are_no_topics(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        assert "Topics" not in words(await visitor.get("/releases"))
        assert (await visitor.get("/topics")).status == 404


async def test_a_password_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    kafka = {"page_kafka": "127.0.0.1:1", "page_kafka_password_file": str(tmp_path / "none")}
    async with serving_page(tmp_path, **kafka) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/topics"))
        assert "KAFKA_GATEWAY_PAGE_KAFKA_PASSWORD_FILE cannot be read" in page
