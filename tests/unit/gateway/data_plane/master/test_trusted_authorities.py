# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.data_plane.master.trusted_authorities import trusted_bundle
from gateway.errors import SettingsError
from gateway.settings.settings import Settings
from tests.support.authority import Authority


def test_the_systems_authorities_alone_need_no_file(tmp_path: Path) -> None:
    assert trusted_bundle(Settings.from_values({}), tmp_path) is None


def test_all_sources_are_in_one_file(tmp_path: Path) -> None:
    one, other = Authority("one").pem, Authority("other").pem
    file = tmp_path / "one.crt"
    file.write_text(one)
    values = {"lua_ssl_trusted_certificate": f"{file},{other}"}
    bundle = trusted_bundle(Settings.from_values(values), tmp_path / "prefix")
    assert bundle is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    assert len(context.get_ca_certs()) == 2


def test_other_authorities_are_another_file_and_the_old_one_goes(tmp_path: Path) -> None:
    def bundle(pem: str) -> str | None:
        values = {"lua_ssl_trusted_certificate": pem}
        return trusted_bundle(Settings.from_values(values), tmp_path)

    first = bundle(Authority("one").pem)
    second = bundle(Authority("other").pem)
    assert first != second
    assert [str(file) for file in tmp_path.iterdir()] == [second]


def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    settings = Settings.parse({"lua_ssl_trusted_certificate": "/no/such.crt"})
    with pytest.raises(SettingsError, match="KONG_LUA_SSL_TRUSTED_CERTIFICATE"):
        trusted_bundle(settings, tmp_path)
