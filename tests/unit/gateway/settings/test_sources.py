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
    given = {"KONG_ANONYMOUS_REPORTS": "off", "KONG_VITALS_TTL_DAYS": "7", "KONG_PG_HOST": "x"}
    given |= {"KONG_CLUSTER_TELEMETRY_ENDPOINT": "x", "KONG_NGINX_HTTP_KEEPALIVE": "1"}
    assert unknown_settings({}, given) == []


def test_a_misspelt_setting_is_a_warning_also_where_kong_has_many_that_change_nothing() -> None:
    found = unknown_settings({}, {"KONG_NGINX_WORKER_PROCESES": "2"})
    assert found[0].endswith("did you mean KONG_NGINX_WORKER_PROCESSES?")
