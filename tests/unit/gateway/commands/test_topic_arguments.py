# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway topic`` with arguments that no broker is asked with."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from gateway.commands import topic as command
from tests.support.ports import free_ports


def run(*arguments: str, **environment: str) -> Result:
    """Run a command; nobody listens at its broker."""
    where = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_ports(1)[0]}", **environment}
    return CliRunner().invoke(command.app, list(arguments), env=where)


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "x" * 250, ".", "\udcff", "é"])
@pytest.mark.parametrize("verb", ["create", "produce", "consume"])
def test_what_is_no_topic_is_said(verb: str, name: str) -> None:
    done = run(verb, name, *(["v"] if verb == "produce" else []))
    assert done.exit_code == 2
    assert "the topic" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "t", "--partitions", "0"),
        ("create", "t", "--partitions", str(2**31)),
        ("create", "t", "--partitions", str(2**80)),
        ("create", "t", "--replicas", "-2"),
        ("create", "t", "--replicas", str(2**80)),
    ],
)
def test_numbers_that_no_topic_has_are_refused(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "is not in the range" in done.stderr or "Input should be" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("produce", "t", "v", "--header", "\udcff=v"), {}),
        (("produce", "t", "v", "--key", "\udcff"), {}),
        (("produce", "t", "\udcff"), {}),
        (("create", "t", "--config", "a=\udcff"), {}),
        (("list",), {"KAFKA_USER": "\udcff", "KAFKA_PASSWORD": "p"}),
        (("list",), {"KAFKA_USER": "u", "KAFKA_PASSWORD": "\udcff"}),
    ],
)
def test_what_is_not_utf_8_is_said(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    done = run(*arguments, **environment)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.endswith("is not all UTF-8\n")


@pytest.mark.parametrize("since", ["0001-01-01", "x", "5 m", "-5m", "\u0663m", "99999-01-01"])
def test_what_is_no_time_is_said(since: str) -> None:
    done = run("consume", "t", "--since", since)
    assert done.exit_code == 1
    assert f"--since {since}: write 30s" in done.stderr or "UTF-8" in done.stderr


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ("", "must not be empty"),
        (",", "must not be empty"),
        ("a b", "name one host"),
        ("h:99999", "no port to connect to"),
        ("h:9092,PLAINTEXT://i:9092", "write 'i:9092', with --plaintext"),
        ("sasl_plaintext://[::1]", "write '[::1]', with --plaintext"),
        ("SSL://i:9092", "write 'i:9092'\n"),
        ("https://i/x", "'https://i/x' has a scheme; write 'host:port'\n"),
        # Of credentials nothing is shown, wherever they end.
        ("https://u:secret@i/x", "do not belong into a host"),
        ("SSL://u:sec/ret@i:9092", "do not belong into a host"),
        ("\udcff:9092", "neither a host name nor an address"),
    ],
)
def test_what_are_no_brokers_is_said(servers: str, said: str) -> None:
    done = run("list", "--bootstrap-servers", servers)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: --bootstrap-servers: ")
    assert said in done.stderr
    assert "secret" not in done.stderr.replace("/", "")


@pytest.mark.parametrize(
    "servers",
    ["localhost", "one,two:9092", "10.0.0.1", "[::1]", "::1", "SASL_SSL://one", "sasl_ssl://a:1"],
)
def test_a_broker_needs_no_port(servers: str) -> None:
    found = command.connection("local", servers, None, None, None, "PLAIN", plaintext=True)
    assert found.bootstrap_servers == servers
