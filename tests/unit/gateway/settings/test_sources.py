# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings.settings import Settings
from gateway.settings.sources import collect, unknown_settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "kong.conf"
    file.write_text("# comment\nlog_level = debug  # why\nheaders=off\nidle_timeout = 5s\n")
    values = collect({"KONG_LOG_LEVEL": "error", "KAFKA_GATEWAY_IDLE_TIMEOUT": "7s"}, file)
    settings = Settings.from_values(values)
    assert settings.log_level == "error"
    assert settings.headers == ("off",)
    assert settings.idle_timeout == 7.0


def test_a_line_of_the_file_that_is_no_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kong.conf"
    file.write_text("log_level debug\n")
    with pytest.raises(SettingsError, match=r"kong.conf:1: expected name = value"):
        collect({}, file)


def test_an_unknown_setting_is_a_warning_with_the_nearest_name() -> None:
    given = {"KONG_PROXI_LISTEN": "x", "KAFKA_GATEWAY_ENVFILE": "x", "KONG_LOG_LEVEL": "info"}
    assert unknown_settings({}, given) == [
        "KAFKA_GATEWAY_ENVFILE: unknown setting, ignored; did you mean KAFKA_GATEWAY_ENV_FILE?",
        "KONG_PROXI_LISTEN: unknown setting, ignored; did you mean KONG_PROXY_LISTEN?",
    ]


def test_settings_of_kong_that_change_nothing_here_are_no_warning() -> None:
    given = {"KONG_ANONYMOUS_REPORTS": "off", "KONG_VITALS_TTL_DAYS": "7"}
    given |= {"KONG_PORTAL_API_ACCESS_LOG": "/dev/stdout"}
    given |= {"KONG_CLUSTER_TELEMETRY_ENDPOINT": "x", "KONG_NGINX_HTTP_KEEPALIVE": "1"}
    assert unknown_settings({}, given) == []


def test_settings_that_promise_what_is_not_there_are_warned_of_unless_they_are_off() -> None:
    promises = {
        "KONG_CLUSTER_USE_PROXY": "on",
        "KONG_PROXY_SERVER": "http://proxy.test:3128",
        "KONG_ENFORCE_RBAC": "on",
        "KONG_AUDIT_LOG_SIGNING_KEY": "/key.pem",
        "KONG_PG_HOST": "db.test",
        "KONG_PG_PASSWORD": "planted-secret",
        "KONG_PORTAL": "on",
        "KONG_STREAM_LISTEN": "0.0.0.0:9000",
    }
    for name, value in promises.items():
        (found,) = unknown_settings({}, {name: value})
        assert found.startswith(f"{name}: has no effect: "), found
        assert value not in found or value == "on"
        (found,) = unknown_settings({name.removeprefix("KONG_").lower(): value}, {})
        assert found.startswith(f"{name.removeprefix('KONG_').lower()}: has no effect: ")
        assert unknown_settings({}, {name: "off"}) == []


def test_settings_of_postgres_are_for_a_control_plane_that_has_one() -> None:
    given = {"KONG_DATABASE": "postgres", "KONG_PG_HOST": "db.test", "KONG_PG_POOL_SIZE": "9"}
    assert unknown_settings({"database": "postgres"}, given) == []
    (found,) = unknown_settings({"database": "postgres"}, {"KONG_PG_RO_HOST": "replica.test"})
    assert found.startswith("KONG_PG_RO_HOST: has no effect: one server")


def test_a_misspelt_setting_is_a_warning_also_where_kong_has_many_that_change_nothing() -> None:
    found = unknown_settings({}, {"KONG_NGINX_WORKER_PROCESES": "2"})
    assert found[0].endswith("did you mean KONG_NGINX_WORKER_PROCESSES?")
