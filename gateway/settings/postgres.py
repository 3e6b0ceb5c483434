# SPDX-License-Identifier: Apache-2.0
"""The settings of a control plane's PostgreSQL: Kong's names, forms and defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.settings.declaration import setting
from gateway.settings.parsers import count, plain, seconds, switch

_SSLMODES = {
    (False, False): "prefer",
    (True, False): "require",
    (False, True): "verify-full",
    (True, True): "verify-full",
}


@dataclass(frozen=True)
class PostgresSettings:
    """Where the database is, and how to get in (Kong's kong.conf.default, "POSTGRES")."""

    # PostgreSQL, with KONG_DATABASE=postgres.
    pg_host: str = setting(str, "127.0.0.1")
    """Host of the server; a path beginning with `/` is the folder of its socket."""
    pg_port: int = setting(count(1, 65535), "5432")
    """Its port."""
    pg_timeout: int = setting(count(100, 2_147_483_647), "5000")
    """Milliseconds to connect, and that the server may be silent while it is asked something."""
    pg_user: str = setting(str, "kong")
    """The user."""
    pg_password: str | None = setting(plain, "", secret=True)
    """The user's password."""
    pg_database: str = setting(str, "kong")
    """The database, which must be there."""
    pg_schema: str | None = setting(plain, "")
    """The schema of the tables, made when it is not there; empty: the user's own, mostly `public`.
    Control planes with the same one are one cluster."""
    pg_ssl: bool = setting(switch, "off")
    """Whether to ask for TLS, as libpq's `sslmode=prefer` does."""
    pg_ssl_required: bool = setting(switch, "off")
    """Connect with TLS or not at all: `sslmode=require`."""
    pg_ssl_verify: bool = setting(switch, "off")
    """Verify the server's certificate and its name by `lua_ssl_trusted_certificate`:
    `sslmode=verify-full`."""
    pg_ssl_cert: str | None = setting(plain, "")
    """A certificate of our own, as path or PEM."""
    pg_ssl_cert_key: str | None = setting(plain, "", secret=True)
    """Its key."""
    db_update_frequency: float = setting(seconds, "5")
    """How often a control plane looks for releases of others, beside being told of them."""

    @property
    def pg_sslmode(self) -> str:
        """How libpq calls what ``pg_ssl``, ``pg_ssl_required`` and ``pg_ssl_verify`` say."""
        return _SSLMODES[self.pg_ssl_required, self.pg_ssl_verify] if self.pg_ssl else "disable"

    def postgres_contradictions(self) -> Iterator[str]:
        """Yield what is wrong between these settings."""
        for name in ("pg_ssl_required", "pg_ssl_verify"):
            if getattr(self, name) and not self.pg_ssl:
                yield f"KONG_{name.upper()}: needs KONG_PG_SSL=on, which is off"
        if (self.pg_ssl_cert is None) != (self.pg_ssl_cert_key is None):
            yield "KONG_PG_SSL_CERT and KONG_PG_SSL_CERT_KEY: one is of no use without the other"
        for name in ("pg_host", "pg_user", "pg_database"):
            if not getattr(self, name):
                yield f"KONG_{name.upper()}: must not be empty"
