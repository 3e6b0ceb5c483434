# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.entities import validate_row
from gateway.errors import SchemaViolation
from gateway.plugins.kafka_upstream.schema import Config


def _row(**config: Any) -> dict[str, Any]:
    row = validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": "t", **config}})
    found: dict[str, Any] = row["config"]
    return found


def _fields(**config: Any) -> dict[str, Any]:
    with pytest.raises(SchemaViolation) as caught:
        _row(**config)
    found: dict[str, Any] = caught.value.fields["config"]
    return found


def test_the_storys_configuration_loads_unchanged() -> None:
    text = Path("tests/vectors/konnect-0.1-kafka.yaml").read_text()
    package = yaml.safe_load(text)["service_packages"][0]["versions"][0]
    service = package["implementation"]["kong"]["service"]
    plugin = service["routes"][0]["plugins"][0]
    config = validate_row("plugins", plugin)["config"]
    for name, value in plugin["config"].items():
        if isinstance(value, dict):
            assert {key: config[name][key] for key in value} == value
        else:
            assert config[name] == value


def test_defaults_are_kongs_but_for_health_gating() -> None:
    config = _row()
    assert (config["forward_body"], config["forward_headers"]) == (True, False)
    assert (config["producer_request_acks"], config["producer_async"]) == (1, True)
    assert (config["timeout"], config["keepalive"]) == (10000, 60000)
    assert config["producer_async_health_gating"] is True
    assert config["headers"] is None
    own = ("raw_body", "key_header", "partitioner", "accepted", "records", "compression_type")
    assert [config[name] for name in own] == [
        False,
        None,
        "consistent_random",
        False,
        "none",
        "none",
    ]


def test_nulls_mean_the_default() -> None:
    assert _row(forward_body=None, security=None, producer_request_acks=None) == _row()


def test_the_topic_is_required() -> None:
    assert _fields(topic=None) == {"topic": "required field missing"}


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        ("return function(m", "')' expected"),
        ("return 1", "must return a function"),
        ("while true do end", "took longer than allowed"),
    ],
)
def test_lua_that_cannot_run_is_refused_before_it_is_published(chunk: str, said: str) -> None:
    fields = _fields(message_by_lua_functions=["return function(m) return m end", chunk])
    assert "function 2: " in fields["message_by_lua_functions"]
    assert said in fields["message_by_lua_functions"]


def test_a_port_out_of_range_is_named_with_its_range() -> None:
    fields = _fields(bootstrap_servers=[{"host": "a", "port": 70000}])
    text = "value should be between 0 and 65535"
    assert fields == {"bootstrap_servers": {"1": {"port": text}}}


def test_something_must_be_forwarded_unless_the_body_is_taken_raw() -> None:
    text = "forward_method, forward_uri, forward_headers, forward_body"
    assert _fields(forward_body=False)["@entity"] == [
        f"at least one of these attributes must be true: {text}"
    ]
    assert _row(forward_body=False, raw_body=True)["raw_body"] is True


@pytest.mark.parametrize(
    "authentication",
    [
        {"strategy": "sasl", "mechanism": "PLAIN"},
        {"strategy": "sasl", "mechanism": "SCRAM-SHA-512", "user": "u"},
        {"mechanism": "PLAIN"},
        {"user": "u"},
    ],
)
def test_sasl_needs_user_and_password(authentication: dict[str, Any]) -> None:
    (text,) = _fields(authentication=authentication)["authentication"]["@entity"]
    assert text.endswith("set user and password")


def test_a_mechanism_without_strategy_means_sasl() -> None:
    given = {"mechanism": "PLAIN", "user": "u", "password": "p"}
    config = Config.model_validate({"topic": "t", "authentication": given})
    assert config.authentication is not None
    assert config.authentication.sasl


def test_oauthbearer_needs_its_block() -> None:
    fields = _fields(authentication={"mechanism": "OAUTHBEARER"})
    assert "oauthbearer" in fields["authentication"]
    block = {"token_endpoint_url": "https://a.test", "client_id": "{vault://env/ID}"}
    _row(authentication={"mechanism": "OAUTHBEARER", "oauthbearer": block})


def test_a_certificate_is_a_uuid_or_a_vault_reference() -> None:
    _row(security={"certificate_id": "{vault://env/CERTIFICATE}"})
    _row(security={"certificate_id": "00000000-0000-0000-0000-000000000001"})
    fields = _fields(security={"certificate_id": "mine"})
    assert fields["security"] == {"certificate_id": "expected a valid UUID"}


def test_tls_is_verified_unless_said_otherwise() -> None:
    assert _row(security={"ssl": True})["security"]["ssl_verify"] is True


@pytest.mark.parametrize(("mode", "block"), [("basic", "basic"), ("oauth2", "oauth2")])
def test_registry_authentication_needs_its_block(mode: str, block: str) -> None:
    registry = {"confluent": {"url": "https://r.test", "authentication": {"mode": mode}}}
    fields = _fields(schema_registry=registry)
    assert block in fields["schema_registry"]["confluent"]["authentication"]


def test_zstd_is_allowed_and_other_codecs_are_listed() -> None:
    assert _row(compression_type="zstd")["compression_type"] == "zstd"
    assert "expected one of: none, gzip" in _fields(compression_type="br")["compression_type"]


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("SASL_SSL://host", "write 'host' as the host"),
        ("host:9092", "write 'host' as host and 9092 as port"),
        (" host ", "write 'host'"),
        ("https://host/", "write 'host' as the host"),
    ],
)
def test_a_broker_that_cannot_be_right_is_refused_with_the_remedy(host: str, said: str) -> None:
    fields = _fields(bootstrap_servers=[{"host": "a", "port": 1}, {"host": host, "port": 9092}])
    assert said in fields["bootstrap_servers"]["2"]["host"]


def test_port_0_is_refused() -> None:
    fields = _fields(bootstrap_servers=[{"host": "a", "port": 0}])
    assert "from 1 to 65535" in fields["bootstrap_servers"]["1"]["port"]


@pytest.mark.parametrize("name", ["a b", "a/b", ".", "..", "x" * 250, "ü", " a", "a,b"])
def test_a_topic_that_cannot_be_is_refused_by_name(name: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": name}})
    assert "Kafka" in str(caught.value.fields["config"]["topic"]) or name == " a"
    assert "1" in _fields(allowed_topics=[name])["allowed_topics"]


@pytest.mark.parametrize("url", ["registry:8081", "SASL_SSL://a", "https://", "https://a:0", "a b"])
def test_urls_that_cannot_be_right_are_refused(url: str) -> None:
    registry = {"confluent": {"url": url}}
    assert "url" in _fields(schema_registry=registry)["schema_registry"]["confluent"]
    oauth2 = {"mode": "oauth2", "oauth2": {"token_endpoint": url}}
    asked = _fields(schema_registry={"confluent": {"authentication": oauth2}})
    fields = asked["schema_registry"]["confluent"]["authentication"]
    assert "token_endpoint" in fields["oauth2"]
    block = {"mechanism": "OAUTHBEARER", "oauthbearer": {"token_endpoint_url": url}}
    assert "token_endpoint_url" in _fields(authentication=block)["authentication"]["oauthbearer"]


def test_vault_references_stand_for_addresses_until_they_are_resolved() -> None:
    reference = "{vault://env/ADDRESS}"
    server = {"host": reference, "port": 9092}
    config = _row(bootstrap_servers=[server], schema_registry={"confluent": {"url": reference}})
    assert config["bootstrap_servers"] == [server]
