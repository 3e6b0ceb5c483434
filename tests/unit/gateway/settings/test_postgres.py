# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.settings.settings import Settings

CONTROL_PLANE = {"role": "control_plane", "cluster_listen": "off", "database": "postgres"}


def test_defaults_are_those_of_kong() -> None:
    found = Settings()
    assert (found.pg_host, found.pg_port, found.pg_timeout) == ("127.0.0.1", 5432, 5000)
    assert (found.pg_user, found.pg_database, found.pg_password) == ("kong", "kong", None)
    assert (found.pg_ssl, found.pg_ssl_verify, found.db_update_frequency) == (False, False, 5.0)


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ({}, "disable"),
        ({"pg_ssl": "on"}, "prefer"),
        ({"pg_ssl": "on", "pg_ssl_required": "on"}, "require"),
        ({"pg_ssl": "on", "pg_ssl_verify": "on"}, "verify-full"),
        ({"pg_ssl": "on", "pg_ssl_verify": "on", "pg_ssl_required": "on"}, "verify-full"),
    ],
)
def test_the_switches_of_tls_are_one_mode_of_libpq(values: dict[str, str], mode: str) -> None:
    assert Settings.parse(values).pg_sslmode == mode


def test_a_password_is_not_shown() -> None:
    assert "planted" not in repr(Settings.parse({"pg_password": "planted"}))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"pg_ssl_verify": "on"}, "KONG_PG_SSL_VERIFY: needs KONG_PG_SSL=on"),
        ({"pg_ssl_required": "on"}, "KONG_PG_SSL_REQUIRED: needs KONG_PG_SSL=on"),
        ({"pg_ssl": "on", "pg_ssl_cert": "/a.pem"}, "KONG_PG_SSL_CERT and KONG_PG_SSL_CERT_KEY"),
        ({"pg_host": ""}, "KONG_PG_HOST: must not be empty"),
        ({}, "KONG_KEYRING_FILE: needed with KONG_DATABASE=postgres"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_values({**CONTROL_PLANE, **values})
    assert any(text.startswith(problem) for text in caught.value.problems)
