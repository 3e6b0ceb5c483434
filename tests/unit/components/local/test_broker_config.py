# SPDX-License-Identifier: Apache-2.0
"""The broker's configuration as text."""

from __future__ import annotations

import pytest

from components.local.broker_config import BrokerConfig, server_properties


def config(**changes: object) -> BrokerConfig:
    given: dict[str, object] = {
        "data_dir": "/state/data",
        "config_dir": "/state",
        "port": 9092,
        "controller_port": 9093,
        "admin": ("adm", "s3cret"),
        "users": (("api-a", "a1"), ("api-b", "b1"), ("reader", "r1")),
    }
    return BrokerConfig(**{**given, **changes})  # type: ignore[arg-type]  # typos fail at run time


def settings(one: BrokerConfig) -> dict[str, str]:
    return dict(line.split("=", 1) for line in server_properties(one).splitlines())


def test_every_listener_is_on_loopback_and_asks_for_a_password() -> None:
    found = settings(config())
    assert found["listeners"] == "CLIENTS://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    protocols = found["listener.security.protocol.map"].split(",")
    assert protocols == ["CLIENTS:SASL_SSL", "CONTROLLER:SASL_SSL"]
    assert found["inter.broker.listener.name"] == "CLIENTS"


def test_nobody_may_do_anything_without_a_rule_but_the_admin() -> None:
    found = settings(config())
    assert found["allow.everyone.if.no.acl.found"] == "false"
    assert found["super.users"] == "User:adm"
    assert found["authorizer.class.name"].endswith("StandardAuthorizer")
    assert found["auto.create.topics.enable"] == "false"


def test_the_client_listener_knows_every_user_and_the_controller_only_the_admin() -> None:
    found = settings(config())
    clients = found["listener.name.clients.plain.sasl.jaas.config"]
    for name, password in (("adm", "s3cret"), ("api-a", "a1"), ("api-b", "b1"), ("reader", "r1")):
        assert f'user_{name}="{password}"' in clients
    controller = found["listener.name.controller.plain.sasl.jaas.config"]
    assert 'user_adm="s3cret"' in controller
    assert "api-a" not in controller


def test_certificates_are_read_from_their_files() -> None:
    found = settings(config())
    assert found["ssl.keystore.key"] == "${directory:/state:broker.key}"
    assert found["ssl.keystore.certificate.chain"] == "${directory:/state:broker.crt}"
    assert found["ssl.truststore.certificates"] == "${directory:/state:ca.crt}"


def test_quotes_and_backslashes_in_a_password_are_escaped_twice() -> None:
    text = server_properties(config(admin=("adm", 'a"b\\c')))
    # Once for the JAAS line, once for the properties file.
    assert 'password="a\\\\"b\\\\\\\\c"' in text


def test_a_control_character_in_a_password_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        server_properties(config(admin=("adm", "a\nb")))


def test_further_settings_win() -> None:
    found = settings(config(extra=(("num.io.threads", "1"), ("message.max.bytes", "1000"))))
    assert found["num.io.threads"] == "1"
    assert found["message.max.bytes"] == "1000"


def test_the_same_configuration_gives_the_same_text() -> None:
    assert server_properties(config()) == server_properties(config())
