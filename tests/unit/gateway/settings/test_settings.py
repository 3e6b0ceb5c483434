# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings.listen import ListenAddress
from gateway.settings.settings import NAMES, OWN, Settings, env_name
from gateway.settings.sources import unknown_settings

PEM = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
CLUSTER = {"cluster_cert": PEM, "cluster_cert_key": PEM}


def problems_of(values: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_values(values)
    return caught.value.problems


def test_without_any_value_the_defaults_are_kongs() -> None:
    settings = Settings.from_values({})
    assert settings.proxy_listen == (
        ListenAddress("0.0.0.0", 8000),
        ListenAddress("0.0.0.0", 8443, ssl=True),
    )
    assert settings.cluster_control_plane == "127.0.0.1:8005"
    assert settings.cluster_mtls == "shared"
    assert settings.cluster_max_payload == 16777216
    assert settings.real_ip_header == "X-Real-IP"


def test_every_problem_is_listed_with_the_name_of_its_variable() -> None:
    problems = problems_of(
        {"log_level": "loud", "trusted_ips": "10.0.0.0/8,here", "max_header_size": "many"}
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "KONG_LOG_LEVEL",
        "KONG_TRUSTED_IPS",
        "KAFKA_GATEWAY_MAX_HEADER_SIZE",
    ]
    assert "debug, info" in problems[0]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"role": "data_plane"}, "KONG_CLUSTER_CERT"),
        ({"role": "control_plane"}, "KONG_CLUSTER_CERT_KEY"),
        ({"role": "control_plane", "cluster_mtls": "pki", **CLUSTER}, "KONG_CLUSTER_CA_CERT"),
        ({"role": "data_plane", "database": "postgres", **CLUSTER}, "KONG_DATABASE"),
        ({"role": "control_plane", "database": "off", **CLUSTER}, "KONG_DATABASE"),
        ({"ssl_cert": PEM}, "KONG_SSL_CERT_KEY"),
        ({"declarative_config": "/nowhere/kong.yml"}, "KONG_DECLARATIVE_CONFIG"),
        ({"cluster_control_plane": "somewhere"}, "KONG_CLUSTER_CONTROL_PLANE"),
        ({"cluster_reconnect_min": "9", "cluster_reconnect_max": "1"}, "KAFKA_GATEWAY_CLUSTER"),
        ({"proxy_listen": "8000"}, "KONG_PROXY_LISTEN"),
        ({"status_listen": "a:1 proxy_protocol"}, "KONG_STATUS_LISTEN"),
        ({"real_ip_header": "proxy_protocol"}, "KONG_REAL_IP_HEADER"),
        ({"nginx_worker_processes": "0"}, "KONG_NGINX_WORKER_PROCESSES"),
        ({"cluster_max_payload": "1k"}, "KONG_CLUSTER_MAX_PAYLOAD"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(values: dict[str, str], name: str) -> None:
    assert any(problem.startswith(name) for problem in problems_of(values))


def test_a_data_plane_with_its_certificate_is_right() -> None:
    settings = Settings.from_values({"role": "Data_Plane", "database": "off", **CLUSTER})
    assert settings.role == "data_plane"
    assert settings.store == "off"


def test_a_control_plane_keeps_its_releases_in_sqlite_by_default() -> None:
    assert Settings.from_values({"role": "control_plane", **CLUSTER}).store == "sqlite"


def test_secrets_stay_out_of_the_settings_text() -> None:
    settings = Settings.from_values({"admin_token": "planted", "cluster_cert_key": PEM + "planted"})
    assert "planted" not in repr(settings)


def test_the_admin_token_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("word\n")
    assert Settings.from_values({"admin_token_file": str(file)}).read_admin_token() == "word"
    assert Settings.from_values({"admin_token": "other"}).read_admin_token() == "other"
    assert Settings.from_values({}).read_admin_token() is None


def test_only_our_own_settings_have_our_prefix() -> None:
    assert env_name("prefix") == "KONG_PREFIX"
    assert env_name("env_file") == "KAFKA_GATEWAY_ENV_FILE"
    assert set(NAMES) >= OWN


def test_dns_settings_are_kongs() -> None:
    settings = Settings.from_values({})
    assert settings.dns_resolver == ()
    assert settings.dns_valid_ttl is None
    assert (settings.dns_stale_ttl, settings.dns_not_found_ttl, settings.dns_error_ttl) == (
        3600.0, 30.0, 1.0,
    )  # fmt: skip
    given = {"dns_resolver": "10.0.0.2, 10.0.0.3:5353,::1,[::1]:53", "dns_valid_ttl": "2m"}
    settings = Settings.from_values(given)
    assert settings.dns_resolver == ("10.0.0.2", "10.0.0.3:5353", "::1", "[::1]:53")
    assert settings.dns_valid_ttl == 120.0
    assert not unknown_settings({}, {"KONG_DNS_ORDER": "A", "KONG_DNS_HOSTSFILE": "/etc/hosts"})


@pytest.mark.parametrize(
    "text",
    ["ns.test", "10.0.0.2:0", "10.0.0.2:65536", "10.0.0.2:", "[::1]", "[10.0.0.2]:53", "::x"],
)
def test_a_name_server_is_an_address(text: str) -> None:
    (problem,) = problems_of({"dns_resolver": text})
    assert problem.startswith(f'KONG_DNS_RESOLVER: "{text}" is not an address like 10.0.0.2')


@pytest.mark.parametrize("text", ["0", "-1", "soon"])
def test_a_ttl_is_above_zero(text: str) -> None:
    (problem,) = problems_of({"dns_valid_ttl": text})
    assert problem.startswith("KONG_DNS_VALID_TTL: expected seconds above 0")
