# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from gateway.data_plane.master.default_certificate import listener_certificate
from gateway.settings.settings import Settings
from tests.support.authority import shared_pair


def test_the_pair_of_the_settings_is_used(tmp_path: Path) -> None:
    pair = shared_pair("here")
    certificate, key = pair.write(tmp_path, "own")
    settings = Settings.from_values({"ssl_cert": str(certificate), "ssl_cert_key": str(key)})
    assert listener_certificate(settings, tmp_path / "prefix") == tuple(pair)
    assert not (tmp_path / "prefix").exists()


def test_without_one_a_pair_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = Settings.from_values({})
    first = listener_certificate(settings, tmp_path)
    assert first[0].startswith("-----BEGIN CERTIFICATE")
    assert listener_certificate(settings, tmp_path) == first
    assert (tmp_path / "ssl" / "kong-default.key").stat().st_mode & 0o077 == 0
