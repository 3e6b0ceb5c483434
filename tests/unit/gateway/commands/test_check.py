# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.commands.command_line import application
from tests.support.authority import Authority

GOOD = """
_format_version: "3.0"
services:
- name: s
  url: http://h/
  routes:
  - name: r
    paths: [/a]
    plugins:
    - name: kafka-upstream
      config:
        topic: ${kafka.topics.orders}
        bootstrap_servers: ${kafka.bootstrap_servers}
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("KONG_", "KAFKA_GATEWAY_")):
            monkeypatch.delenv(name)


def check(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["check", *arguments])


def test_good_settings_and_routes_pass(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(GOOD)
    assert check().exit_code == 0
    outcome = check(str(file))
    assert outcome.exit_code == 0, outcome.output


def test_all_mistakes_of_a_file_are_listed_with_their_paths(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(GOOD.replace("topic:", "topik:").replace("paths:", "pathz:"))
    outcome = check(str(file))
    assert outcome.exit_code == 1
    assert "pathz" in outcome.output
    assert "topik" in outcome.output


def test_an_unknown_placeholder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(GOOD.replace("${kafka.bootstrap_servers}", "${kafka.brokers}"))
    outcome = check(str(file))
    assert outcome.exit_code == 1
    assert "${kafka.brokers}" in outcome.output


def test_settings_that_cannot_be_used_are_all_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONG_LOG_LEVEL", "loud")
    monkeypatch.setenv("KONG_PROXY_LISTEN", "8000")
    monkeypatch.setenv("KONG_PROXI_LISTEN", "8000")
    outcome = check()
    assert outcome.exit_code == 1
    assert "error: KONG_LOG_LEVEL" in outcome.output
    assert "error: KONG_PROXY_LISTEN" in outcome.output
    assert "did you mean KONG_PROXY_LISTEN?" in outcome.output


def test_the_declarative_file_of_the_settings_is_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "kong.yml"
    file.write_text("services: 7\n")
    monkeypatch.setenv("KONG_DECLARATIVE_CONFIG", str(file))
    outcome = check()
    assert outcome.exit_code == 1
    assert "kong.yml" in outcome.output


def test_a_conf_file_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "kong.conf"
    file.write_text("log_level = loud\n")
    assert check("--conf", str(file)).exit_code == 1


def test_addresses_and_names_that_cannot_be_right_do_not_pass(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    servers = "[{host: 'SASL_SSL://kafka', port: 9092}, {host: kafka, port: 0}]"
    bad = GOOD.replace("${kafka.topics.orders}", "a b")
    file.write_text(bad.replace("${kafka.bootstrap_servers}", servers))
    said = " ".join(check(str(file)).output.split())
    for problem in ("write 'kafka' as the host", "0 is no port", "'a b' is no topic name"):
        assert problem in said


def test_a_compatibility_version_that_there_is_not_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_GATEWAY_COMPATIBILITY_VERSION", "3.12")
    outcome = check()
    assert outcome.exit_code == 1
    assert "KAFKA_GATEWAY_COMPATIBILITY_VERSION: expected 3.10, 3.14" in outcome.output


def test_trust_that_no_broker_can_meet_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority("cluster")
    certificate, key = authority.issue("node").write(tmp_path, "tls")
    values = {
        "ROLE": "data_plane",
        "DATABASE": "off",
        "CLUSTER_CONTROL_PLANE": "cp.example.com:443",
        "CLUSTER_MTLS": "pki",
        "CLUSTER_CERT": str(certificate),
        "CLUSTER_CERT_KEY": str(key),
        "CLUSTER_CA_CERT": authority.pem,
        "PREFIX": str(tmp_path),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"KONG_{name}", value)
    assert "warning" not in check().output
    monkeypatch.setenv("KONG_LUA_SSL_TRUSTED_CERTIFICATE", str(certificate))
    outcome = check()
    assert outcome.exit_code == 0, outcome.output
    assert (
        "warning: KONG_LUA_SSL_TRUSTED_CERTIFICATE: nothing but this node's own" in outcome.output
    )
