# SPDX-License-Identifier: Apache-2.0
"""Where a PostgreSQL is, who is let in and how, from settings to libpq's parameters."""

from __future__ import annotations

import math
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from gateway.pem import SYSTEM, read_pem
from gateway.settings.settings import Settings

_IDLE = 30
"""Seconds after which the server ends a transaction in which nothing is asked of it."""


@dataclass(frozen=True)
class PostgresAddress:
    """What is needed to connect. ``str`` gives what errors may show."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    """None: the first of the user's search path."""
    timeout: float = 5.0
    """Seconds to connect, and for each response."""
    sslmode: str = "disable"
    authorities: Sequence[str] = ()
    """What the server's certificate is verified with: ``system``, paths, PEM."""
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Take it from the settings ``pg_``."""
        return cls(
            host=settings.pg_host,
            port=settings.pg_port,
            user=settings.pg_user,
            database=settings.pg_database,
            password=settings.pg_password,
            schema=settings.pg_schema,
            timeout=settings.pg_timeout / 1000,
            sslmode=settings.pg_sslmode,
            authorities=settings.lua_ssl_trusted_certificate,
            certificate=settings.pg_ssl_cert,
            key=settings.pg_ssl_cert_key,
        )

    def __str__(self) -> str:
        where = f"{self.host}:{self.port}" if not self.host.startswith("/") else self.host
        return f'"{self.database}" at {where}'

    @contextmanager
    def parameters(self) -> Iterator[dict[str, Any]]:
        """Give libpq's parameters; files they name are there while the block lasts.

        libpq reads certificates from files alone, as it connects. Raises ``SettingsError``.
        """
        with ExitStack() as files:
            yield {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "dbname": self.database,
                "password": self.password,
                "application_name": "kafka-gateway",
                "connect_timeout": max(2, math.ceil(self.timeout)),  # libpq takes 1 as 2
                "sslmode": self.sslmode,
                **self._tls(files),
                **_session(self.schema),
            }

    def _tls(self, files: ExitStack) -> dict[str, str]:
        found = {}
        if self.sslmode == "verify-full":
            text = "".join(_certificates(source) for source in self.authorities)
            found["sslrootcert"] = _file(files, text)
        if self.certificate is not None and self.key is not None and self.sslmode != "disable":
            found["sslcert"] = _file(files, read_pem(self.certificate, "KONG_PG_SSL_CERT"))
            found["sslkey"] = _file(files, read_pem(self.key, "KONG_PG_SSL_CERT_KEY"))
        return found


def _session(schema: str | None) -> dict[str, Any]:
    # One that hangs while it writes must not keep the others from writing.
    options = [f"-c idle_in_transaction_session_timeout={_IDLE}s", "-c client_min_messages=warning"]
    if schema is not None:
        quoted = '"' + schema.replace('"', '""') + '"'
        options.append("-c search_path=" + quoted.replace("\\", "\\\\").replace(" ", "\\ "))
    return {
        "options": " ".join(options),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


def _certificates(source: str) -> str:
    if source != SYSTEM:
        return read_pem(source, "KONG_LUA_SSL_TRUSTED_CERTIFICATE").rstrip() + "\n"
    # The libpq of the wheel looks for them where they are on the machine it was built on.
    context = ssl.create_default_context()
    return "".join(ssl.DER_cert_to_PEM_cert(one) for one in context.get_ca_certs(binary_form=True))


def _file(files: ExitStack, text: str) -> str:
    folder = files.enter_context(tempfile.TemporaryDirectory(prefix="kafka-gateway-"))
    made = Path(folder) / "libpq.pem"
    made.touch(mode=0o600)
    made.write_text(text)
    return str(made)
