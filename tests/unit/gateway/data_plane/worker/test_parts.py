# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.data_plane.worker.parts import WorkerParts
from gateway.errors import SettingsError
from gateway.http.tls import self_signed
from gateway.settings.settings import Settings

DATA: dict[str, Any] = {"certificate": None, "trusted": None}


async def test_the_parts_are_as_the_settings_say(tmp_path: Path) -> None:
    values = {
        "client_max_body_size": "3k",
        "untrusted_lua": "off",
        "proxy_access_log": str(tmp_path / "access.log"),
    }
    parts = WorkerParts.make(Settings.from_values(values), DATA, 0, None)
    assert (parts.resources.body_limit, parts.resources.lua_allowed) == (3072, False)
    assert (parts.access_log is not None, parts.certificates) == (True, None)
    await parts.close(1.0)


async def test_https_listeners_have_certificates() -> None:
    data = {**DATA, "certificate": list(self_signed())}
    parts = WorkerParts.make(Settings.from_values({}), data, 0, None)
    assert parts.certificates is not None
    await parts.close(1.0)


async def test_a_log_that_cannot_be_opened_is_an_error_of_its_setting(tmp_path: Path) -> None:
    settings = Settings.parse({"proxy_access_log": str(tmp_path / "none" / "log")})
    with pytest.raises(SettingsError, match="KONG_PROXY_ACCESS_LOG"):
        WorkerParts.make(settings, DATA, 0, None)


async def test_a_report_of_an_idle_worker_counts_nothing() -> None:
    parts = WorkerParts.make(Settings.from_values({}), DATA, 0, None)
    report = parts.report()
    assert report["counters"]["routes"] == {}
    assert report["counters"]["accepted"] == report["gauges"]["active"] == 0
    assert report["gauges"]["producers"] == {}
    await parts.close(1.0)
