# SPDX-License-Identifier: Apache-2.0
"""The first preview of a new local stack, by the real engine: what is wrong is told there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.checkout import Checkout

pytestmark = pytest.mark.engine


@pytest.fixture
def own(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def nothing_was_made(own: Checkout) -> bool:
    return not (own.folder / ".state" / "local").exists()


def test_the_first_preview_names_every_part_of_the_stack(own: Checkout) -> None:
    shown = own.preview()
    assert shown.code == 0, shown.text
    for part in ("LocalKafka", "LocalControlPlane", "GatewayRoutes", "LocalDataPlane"):
        assert part in shown.text
    assert nothing_was_made(own)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: kafka-upstream", "name: kafka-upsteam", ("kafka-upsteam", "kafka-upstream")),
        ("forward_headers:", "forward_header:", ("forward_header", "forward_headers")),
        ("ssl: true", "ssl: perhaps", ("ssl", "boolean")),
        ("${kafka.bootstrap_servers}", "${kafka.servers}", ("kafka.bootstrap_servers",)),
        ("${kafka.topics.topictest}", "topictest3", ("no topic 'topictest3'", "topictest2")),
    ],
)
def test_a_wrong_routes_file_fails_the_first_preview(
    own: Checkout, old: str, new: str, said: tuple[str, ...]
) -> None:
    text = own.routes.read_text()
    assert old in text
    own.routes.write_text(text.replace(old, new))
    shown = own.preview()
    assert shown.code != 0
    assert "stacks/gateway/local.yaml" in shown.text, shown.text
    for words in said:
        assert words in shown.text, shown.text
    assert "Traceback" not in shown.text
    assert nothing_was_made(own)


def test_an_unknown_key_of_the_stack_fails_the_first_preview(own: Checkout) -> None:
    own.write_settings(proxyPrt=1)
    shown = own.preview()
    assert shown.code != 0
    assert "stacks/Pulumi.local.yaml" in shown.text, shown.text
    assert 'proxyPrt: unknown key; did you mean "proxyPort"?' in shown.text
    assert nothing_was_made(own)


def test_topics_that_brokers_would_mix_up_fail_the_first_preview(own: Checkout) -> None:
    own.write_settings(topics=[{"name": "topictest"}, {"name": "a.b"}, {"name": "a_b"}])
    shown = own.preview()
    assert shown.code != 0
    assert "'a.b' and 'a_b' cannot stand side by side" in shown.text, shown.text
    assert nothing_was_made(own)


def test_a_topic_that_a_route_writes_to_is_not_taken_out_without_a_word(own: Checkout) -> None:
    own.write_settings(topics=[{"name": "another"}])
    shown = own.preview()
    assert shown.code != 0
    assert "topictest" in shown.text, shown.text
    assert "nil" not in shown.text
    assert nothing_was_made(own)


def test_a_port_of_someone_else_is_named_with_its_config_key(own: Checkout) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own.ports.proxy))
        taken.listen()
        shown = own.preview()
    assert shown.code != 0
    assert str(own.ports.proxy) in shown.text
    assert "proxyPort" in shown.text, shown.text
    assert "nil" not in shown.text
    assert nothing_was_made(own)
