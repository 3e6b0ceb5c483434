# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pytest

from components.config.local import read_local
from components.config.reader import ConfigReader
from components.config.stack import StackConfig, read_stack
from components.routes import GatewayRoutes, GatewayRoutesArgs, check_routes
from tests.support.cloud import bare, of
from tests.support.local import answer, control_plane_endpoint, kafka_endpoint
from tests.support.registrations import Registration, register

ROUTES = """
_format_version: "3.0"
services:
  - name: orders
    url: http://orders.invalid
    tags: ["${stack.name}"]
    routes:
      - name: orders
        paths: [/orders]
        plugins:
          - name: kafka-upstream
            config:
              topic: ${kafka.topics.orders}
              bootstrap_servers: ${kafka.bootstrap_servers}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES)
    return path


def stack(file: Path, topic: str = "orders", **changes: str) -> StackConfig:
    topics = json.dumps([{"name": topic, "partitions": 1}])
    return read_stack(ConfigReader("dev", {"routes": str(file), "topics": topics, **changes}))


def local(file: Path, *topics: str) -> StackConfig:
    given = json.dumps([{"name": topic} for topic in topics])
    return read_local(ConfigReader("local", {"routes": str(file), "topics": given}))


def configuration(file: Path, **changes: object) -> Registration:
    def make() -> None:
        endpoint = control_plane_endpoint(**changes)
        GatewayRoutes("routes", GatewayRoutesArgs(stack(file), endpoint, kafka_endpoint()))

    (found,) = of(register(make, answer), "gateway:index:Configuration").values()
    return found


def test_placeholders_are_filled_in_with_what_the_stack_made(file: Path) -> None:
    found = configuration(file)
    service = found.inputs["document"]["services"]["orders"]
    assert service["tags"] == ["dev"]
    config = service["routes"]["orders"]["plugins"]["kafka-upstream"]["config"]
    assert config["topic"] == "orders"
    assert config["bootstrap_servers"] == [{"host": "127.0.0.1", "port": 9092}]
    assert found.inputs["owner"] == "stack-dev"


def test_our_own_admin_api_needs_no_kind_and_a_forward_only_without_an_address(file: Path) -> None:
    plain = configuration(file)
    assert plain.is_secret("admin")
    assert set(bare(plain.inputs["admin"])) == {"url", "token"}
    forwarded = bare(configuration(file, forward={"pod": "kong-cp-kong-0"}).inputs["admin"])
    assert forwarded["forward"] == {"pod": "kong-cp-kong-0"}
    assert bare(configuration(file, kind="konnect").inputs["admin"])["kind"] == "konnect"


def test_every_problem_of_a_file_is_named_with_the_file(file: Path) -> None:
    check_routes(stack(file))
    text = ROUTES.replace("paths: [/orders]", "paths: /orders").replace("url:", "urll:")
    file.write_text(text)
    with pytest.raises(pulumi.RunError) as caught:
        check_routes(stack(file))
    lines = str(caught.value).splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(str(file)) for line in lines)


def test_a_topic_that_the_stack_does_not_have_is_refused(file: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"kafka\.topics\.orders"):
        check_routes(stack(file, "payments"))


def test_the_provider_is_told_of_another_compatibility_version_than_the_default(
    file: Path,
) -> None:
    def make() -> None:
        config = stack(file, compatibilityVersion="3.14")
        args = GatewayRoutesArgs(config, control_plane_endpoint(), kafka_endpoint())
        GatewayRoutes("routes", args)

    (found,) = of(register(make, answer), "gateway:index:Configuration").values()
    assert found.inputs["compatibilityVersion"] == "3.14"
    assert configuration(file).inputs.get("compatibilityVersion") is None


@pytest.mark.parametrize(
    "servers",
    [
        "${kafka.bootstrap_servers}",
        "[{host: 127.0.0.1, port: 9092}]",
        "[{host: elsewhere, port: 9092}, {host: localhost, port: 9092}]",
    ],
)
@pytest.mark.parametrize("field", ["topic", "allowed_topics[1]"])
def test_a_topic_by_its_name_must_be_the_stacks_on_the_stacks_brokers(
    file: Path, servers: str, field: str
) -> None:
    setting = (
        "topic: order" if field == "topic" else "topic: orders\n__allowed_topics: [orders, order]"
    )
    text = ROUTES.replace("topic: ${kafka.topics.orders}", setting.replace("__", 14 * " "))
    file.write_text(text.replace("${kafka.bootstrap_servers}", servers))
    with pytest.raises(pulumi.RunError) as caught:
        check_routes(local(file, "orders"))
    assert str(caught.value) == (
        f'{file}: services["orders"].routes["orders"].plugins["kafka-upstream"].config.{field}: '
        "the stack has no topic 'order'; did you mean \"orders\"? allowed: orders, "
        "or add it to the stack's topics"
    )
    check_routes(local(file, "orders", "order"))


def test_a_kafka_that_was_brought_along_has_topics_that_no_stack_knows_of(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(ROUTES.replace("${kafka.topics.orders}", "other"))
    with pytest.raises(pulumi.RunError, match="the stack has no topic 'other'"):
        check_routes(stack(file))
    monkeypatch.setattr(StackConfig, "makes_topics", False)
    check_routes(stack(file))


def test_what_is_written_elsewhere_or_switched_off_may_have_any_name(file: Path) -> None:
    text = ROUTES.replace("${kafka.topics.orders}", "other")
    file.write_text(text.replace("${kafka.bootstrap_servers}", "[{host: elsewhere, port: 9092}]"))
    check_routes(local(file, "orders"))
    plugin = "- name: kafka-upstream"
    file.write_text(text.replace(plugin, f"{plugin}\n            enabled: false"))
    check_routes(local(file, "orders"))


def test_a_plugin_that_never_runs_is_warned_of(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: said.append(text))
    check_routes(stack(file))
    assert said == []
    gate = """
          - name: post-function
            config:
              access: ["kong.response.exit(403)"]
"""
    file.write_text(ROUTES.rstrip() + gate)
    check_routes(stack(file))
    assert len(said) == 1
    assert 'routes["orders"]: the plugin "post-function" runs after "kafka-upstream"' in said[0]


def test_that_the_stacks_key_reads_no_topics_is_said_where_they_would_be_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: said.append(text))
    proof = (
        "\n              authentication: {strategy: sasl, mechanism: PLAIN, "
        'user: "{vault://env/KAFKA_API_KEY}", password: "{vault://env/KAFKA_API_SECRET}"}'
    )
    file.write_text(ROUTES.rstrip() + proof + "\n          - name: idempotency\n")
    check_routes(stack(file))
    general, own = said
    assert "need the right Read" in general
    assert "the stack's key may write its topics and not read them" in own
    said.clear()
    monkeypatch.setattr(StackConfig, "makes_topics", False)
    check_routes(stack(file))
    assert said == [general]
