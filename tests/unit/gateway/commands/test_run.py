# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.commands.run import start


def test_settings_that_cannot_be_used_end_the_start_with_all_of_them_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KONG_ROLE", "data_plane")
    monkeypatch.setenv("KONG_LOG_LEVL", "info")
    assert start() == 1
    shown = capsys.readouterr().err
    assert "error: KONG_CLUSTER_CERT: needed for role data_plane" in shown
    assert "error: KONG_CLUSTER_CERT_KEY" in shown
    assert "warning: KONG_LOG_LEVL: unknown setting, ignored; did you mean KONG_LOG_LEVEL?" in shown
