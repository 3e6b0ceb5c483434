# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat
from pathlib import Path

from gateway.control_plane.database.postgres_address import PostgresAddress
from gateway.settings.settings import Settings
from tests.support.authority import Authority


def test_settings_become_what_libpq_takes() -> None:
    values = {
        "pg_host": "db.test",
        "pg_port": "6432",
        "pg_user": "me",
        "pg_password": "planted",
        "pg_database": "gateway",
        "pg_schema": 'odd "name',
        "pg_timeout": "2500",
    }
    address = PostgresAddress.from_settings(Settings.parse(values))
    with address.parameters() as found:
        assert found["host"], found["port"] == ("db.test", 6432)
        assert (found["user"], found["password"], found["dbname"]) == ("me", "planted", "gateway")
        assert (found["sslmode"], found["connect_timeout"]) == ("disable", 3)
        assert 'search_path="odd\\ ""name"' in found["options"]
    assert str(address) == '"gateway" at db.test:6432'
    assert "planted" not in repr(address)


def test_certificates_are_files_only_we_can_read_for_as_long_as_it_connects() -> None:
    authority = Authority()
    pair = authority.issue("client")
    values = {
        "pg_ssl": "on",
        "pg_ssl_verify": "on",
        "pg_ssl_cert": pair.certificate,
        "pg_ssl_cert_key": pair.key,
        "lua_ssl_trusted_certificate": f"system, {authority.pem}",
    }
    address = PostgresAddress.from_settings(Settings.parse(values))
    with address.parameters() as found:
        assert found["sslmode"] == "verify-full"
        files = [Path(found[name]) for name in ("sslrootcert", "sslcert", "sslkey")]
        assert authority.pem.strip() in files[0].read_text()
        assert stat.S_IMODE(files[2].stat().st_mode) == 0o600
    assert not any(file.exists() for file in files)
    assert pair.key not in repr(address)
