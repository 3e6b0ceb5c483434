# SPDX-License-Identifier: Apache-2.0
"""Every setting of the runtime: its name, the form of its text, its default, what it does.

Kong's own settings are ``KONG_<NAME>`` in the environment and ``<name>`` in a kong.conf, with
Kong's values and, except where the reference says otherwise, Kong's defaults. What Kong does not
have is ``KAFKA_GATEWAY_<NAME>`` and ``kafka_gateway_<name>``. A new setting is one field of
``Settings``; a new form of text is a function in ``parsers``; ``sources`` reads the texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from gateway.errors import SettingsError
from gateway.logs import LEVELS
from gateway.pem import SYSTEM, read_pem
from gateway.settings.compatibility import OLDER, VERSIONS
from gateway.settings.declaration import KONG, OURS, setting
from gateway.settings.listen import (
    PROXY_PROTOCOL,
    ListenAddress,
    parse_listen,
    parse_proxy_listen,
)
from gateway.settings.page import PageSettings
from gateway.settings.parsers import (
    Network,
    count,
    header_words,
    host_and_port,
    hosts,
    items,
    labels,
    nameservers,
    networks,
    optional_seconds,
    origins,
    plain,
    seconds,
    size,
    switch,
    word,
    workers,
)
from gateway.settings.postgres import PostgresSettings
from gateway.settings.tracing import TracingSettings


def _default_prefix() -> str:
    kong = Path("/usr/local/kong")
    return str(kong if os.access(kong, os.W_OK) else Path.home() / ".kafka-gateway")


@dataclass(frozen=True)
class Settings(PostgresSettings, PageSettings, TracingSettings):
    """All settings, checked. Field names are the settings' names."""

    # What this node is.
    role: str = setting(word("control_plane", "data_plane", "traditional"), "traditional")
    """`control_plane`, `data_plane`, or `traditional`: a data plane with a file of its own."""
    database: str = setting(word("", "off", "sqlite", "postgres"), "")
    """Empty: ``sqlite`` for a control plane, else ``off``. `postgres`: see the settings `pg_`."""
    declarative_config: str | None = setting(plain, "")
    """A decK file to serve, for a node without a control plane."""
    prefix: str = field(default_factory=_default_prefix, metadata={"parse": str})
    """Folder for the database and the configuration cache. Default: /usr/local/kong where that can
    be written, else ~/.kafka-gateway."""
    log_level: str = setting(word(*LEVELS), "notice")
    """Entries below this level are left out."""
    plugins: tuple[str, ...] = setting(items, "bundled")
    """Plugins that may be used: names, and `bundled` for all installed ones."""

    # Where it listens.
    proxy_listen: tuple[ListenAddress, ...] = setting(
        parse_proxy_listen, "0.0.0.0:8000, 0.0.0.0:8443 ssl"
    )
    """Where requests are taken; `ssl` after an address means TLS, `proxy_protocol` that each
    connection begins with a header of that protocol (versions 1 and 2) and is closed without."""
    admin_listen: tuple[ListenAddress, ...] = setting(parse_listen, "127.0.0.1:8001")
    """Where a control plane is administered."""
    admin_gui_listen: tuple[ListenAddress, ...] = setting(parse_listen, "127.0.0.1:8002")
    """Where a control plane serves its page for people; `ssl` takes the Admin API's certificate."""
    admin_gui_url: tuple[str, ...] = setting(origins, "")
    """URLs of an admin GUI: pages of their origins may call the Admin API from browsers (CORS)."""
    cluster_listen: tuple[ListenAddress, ...] = setting(parse_listen, "0.0.0.0:8005")
    """Where a control plane takes data planes; always TLS with client certificates."""
    status_listen: tuple[ListenAddress, ...] = setting(parse_listen, "127.0.0.1:8100")
    """Where /status, /status/ready and /metrics are."""
    ssl_cert: tuple[str, ...] = setting(items, "")
    """Certificates of the proxy, as paths or PEM; without any, a self-signed one is made
    and kept in the prefix."""
    ssl_cert_key: tuple[str, ...] = setting(items, "", secret=True)
    """Their keys, in the same order."""
    admin_ssl_cert: tuple[str, ...] = setting(items, "")
    """Certificate of the Admin API; needed by an `admin_listen` with `ssl`."""
    admin_ssl_cert_key: tuple[str, ...] = setting(items, "", secret=True)
    """Its key."""

    # Between control plane and data plane.
    cluster_control_plane: str = setting(host_and_port, "127.0.0.1:8005")
    """Where a data plane finds its control plane."""
    cluster_server_name: str | None = setting(plain, "")
    """The name in the control plane's certificate, when it is not the host."""
    cluster_mtls: str = setting(word("shared", "pki"), "shared")
    """`shared`: both sides hold the same certificate; `pki`: an authority signs both."""
    cluster_cert: str | None = setting(plain, "")
    """This node's certificate, as path or PEM."""
    cluster_cert_key: str | None = setting(plain, "", secret=True)
    """Its key."""
    cluster_ca_cert: str | None = setting(plain, "")
    """The authority of both sides; needed by `pki`."""
    cluster_max_payload: int = setting(size(4 * 1024**2), "16m")
    """Largest configuration that is pushed or taken, compressed."""
    cluster_dp_labels: dict[str, str] = setting(labels, "")  # noqa: RUF009
    """Labels that a data plane shows the control plane: key:value."""
    cluster_data_plane_purge_delay: float = setting(seconds, "1209600")
    """How long a control plane remembers a data plane that is not connected."""
    lua_ssl_trusted_certificate: tuple[str, ...] = setting(items, SYSTEM)
    """Authorities that brokers and upstreams are verified with: `system`, paths, PEM."""
    konnect_mode: bool = setting(switch, "off")
    """Accepted for Kong's charts; changes nothing."""
    admin_token: str | None = setting(plain, "", secret=True)
    """What callers of the Admin API must send as `Kong-Admin-Token`; empty: the API is open."""
    admin_token_file: str | None = setting(plain, "")
    """A file with the token, which wins; SIGHUP reads it again."""
    audit_log: bool = setting(switch, "on")
    """Whether a control plane notes every write of the Admin API: who, from where, what, with which
    result (Kong: off, and reads as well). `/audit/requests` shows it."""
    audit_log_record_ttl: float = setting(seconds, "2592000")
    """How long it keeps an entry."""
    keyring_file: str | None = setting(plain, "")
    """A file with a key a line: releases are encrypted in the database with the first of them.
    Empty: `control-plane.keyring` in the prefix, made at the first start. Without the file that
    encrypted it a database cannot be read: back it up as well, elsewhere."""

    # Requests and responses.
    nginx_worker_processes: int = setting(workers, "auto")
    """Number of workers; ``auto``, kept as 0: one for each processor this node may use, as far as
    its memory limit has room for them."""
    headers: tuple[str, ...] = setting(
        header_words, "server_tokens, latency_tokens, X-Kong-Request-Id"
    )
    """Headers of our own in responses."""
    trusted_ips: tuple[Network, ...] = setting(networks, "")
    """Addresses of proxies in front: what they tell about the client is believed."""
    real_ip_header: str = setting(str, "X-Real-IP")
    """The header in which they name the client. With `proxy_protocol`, that of the connection: who
    it names is then the one whose headers are believed or not, by the same addresses."""
    real_ip_recursive: bool = setting(switch, "off")
    """Take the last address in that header that is not trusted itself."""
    error_default_type: str = setting(
        word("text/plain", "text/html", "application/json", "application/xml"), "text/plain"
    )
    """Form of the gateway's own responses for clients whose Accept header matches none."""
    allow_debug_header: bool = setting(switch, "off")
    """Whether `Kong-Debug: 1` shows a client which route and service it met."""
    proxy_access_log: str = setting(str, "off")
    """``off``, or a file the log phase writes one JSON line per request to."""
    nginx_http_client_max_body_size: int = setting(size(), "0")
    """Largest body of any request, also a streamed one; 0: no limit (Kong's default)."""
    mem_cache_size: int = setting(size(1024**2), "128m")
    """Memory for what a node's workers share: cached responses, answers under idempotency keys."""
    untrusted_lua: str = setting(word("on", "off", "lax", "strict", "sandbox"), "sandbox")
    """``off`` refuses configurations with Lua functions; all else runs them in the sandbox."""
    untrusted_lua_sandbox_requires: tuple[str, ...] = setting(items, "")
    """Accepted for compatibility; changes nothing."""
    untrusted_lua_sandbox_environment: tuple[str, ...] = setting(items, "")
    """Accepted for compatibility; changes nothing."""

    # How names of upstreams are looked up.
    dns_resolver: tuple[str, ...] = setting(nameservers, "")
    """DNS servers, as address or address:port; empty: those of /etc/resolv.conf."""
    dns_valid_ttl: float | None = setting(optional_seconds, "")
    """How long addresses hold instead of their record's TTL; either way a second or more."""
    dns_stale_ttl: float = setting(seconds, "3600")
    """How much longer old addresses are used while new ones are fetched or no server responds."""
    dns_not_found_ttl: float = setting(seconds, "30")
    """How long it holds that there is no such name."""
    dns_error_ttl: float = setting(seconds, "1")
    """How long to wait after a failed look-up before the next."""

    # Ours.
    compatibility_version: str = setting(word(*VERSIONS), OLDER, own=True)
    """The Kong whose defaults are filled in: 3.14 hides credentials from upstreams, verifies
    certificates, and routes take HTTPS only. All of a gateway's nodes should have the same."""
    env_file: str | None = setting(plain, "", own=True)
    """File with NAME=value lines that vault references read before the environment; see SIGHUP."""
    vault_folders: tuple[str, ...] = setting(
        items, "/run/secrets, /var/run/secrets, /etc/secrets", own=True
    )
    """Folders that vaults may read files from: secrets, tokens and ids to log in with."""
    client_max_body_size: int = setting(size(), "1m", own=True)
    """Largest body that is kept whole for a plugin."""
    max_records: int = setting(count(1, 1_000_000), "5000", own=True)
    """Most records that one request may carry; over it 413. A plugin's `max_records` wins."""
    max_record_size: int = setting(size(1024), "1m", own=True)
    """Largest record with key, headers and what Kafka adds; over it 413. As for Kafka's own
    producer, what brokers take by default. A plugin's `max_record_size` wins."""
    max_json_depth: int = setting(count(1, 1000), "1000", own=True)
    """How deep arrays and objects of a JSON body may be nested; over it 400."""
    client_header_timeout: float = setting(seconds, "60s", own=True)
    """From the first byte of a request to the end of its head; over it 408."""
    client_body_timeout: float = setting(seconds, "60s", own=True)
    """Between two pieces of a body; over it 408."""
    client_body_min_rate: int = setting(size(), "1000", own=True)
    """Bytes of a body that must come per second at least, over every 30 s; below it 408; 0: any
    rate will do, as slow streams need it."""
    idle_timeout: float = setting(seconds, "75s", own=True)
    """How long a connection may wait for its next request."""
    max_connections: int = setting(count(1, 1_000_000), "16384", own=True)
    """Open connections of one worker; fewer where it may not have twice as many files open
    (`ulimit -n`)."""
    max_header_size: int = setting(size(1024), "32k", own=True)
    """All header lines together; over it 431."""
    max_request_line: int = setting(size(256), "8k", own=True)
    """Longest request target; over it 414."""
    trusted_identity_headers: bool = setting(switch, "off", own=True)
    """Whether `X-Consumer-*`, `X-Credential-*` and the like pass from `trusted_ips`, as from a
    gateway in front that checks keys; from all others they are dropped on every route."""
    rate_limiting_ipv6_prefix: int = setting(count(1, 128), "64", own=True)
    """Bits of an IPv6 address that `rate-limiting` tells clients apart by: each has a network."""
    allow_hidden_dots: bool = setting(switch, "off", own=True)
    """Whether paths pass that have a dot segment beside `%2f`, `%5c`, a backslash or a semicolon,
    like `/open/..%2fsecret`, which many upstreams resolve: else 400."""
    trace_requests: bool = setting(switch, "off", own=True)
    """Whether a data plane serves requests that its control plane wants tried, and tells what it
    did with them: for the page's view of that name."""
    drain_timeout: float = setting(seconds, "12s", own=True)
    """How long a stopping worker waits for requests under way and for Kafka."""
    cluster_nodes_per_certificate: int = setting(count(1, 100_000), "100", own=True)
    """Most data planes that a control plane knows with one certificate; above it the one not
    connected for the longest is forgotten, and none is let in while all are connected."""
    hold_writes: float = setting(seconds, "0", own=True)
    """Single writes of the Admin API are held until none has come for so long, and published
    together as one release, for tools that know nothing of holds; 0: each is one of its own."""
    hold_idle: float = setting(seconds, "60s", own=True)
    """A hold that a caller has begun by name has broken off when no write has come for so long."""
    hold_broken_off: str = setting(word("drop", "publish"), "drop", own=True)
    """What becomes of writes whose hold has broken off, or in which a write was refused."""
    releases_kept: int = setting(count(1, 1_000_000), "1000", own=True)
    """Most releases that a control plane keeps; what a rollback went back to stays beyond it."""
    releases_kept_for: float = setting(seconds, "720h", own=True)
    """How long it keeps them at most; the newest ten stay however old they are."""
    tokens_kept_for: float = setting(seconds, "720h", own=True)
    """How long a control plane knows a token after it was revoked or expired; one stays."""
    audit_log_file: str | None = setting(plain, "", own=True)
    """A file that a control plane appends the audit log to as well, a JSON object a line; it may be
    renamed at any time, and is made anew then."""
    admin_client_ca: str | None = setting(plain, "", own=True)
    """Authority of client certificates, as path or PEM, for an `admin_listen` with `ssl`: who shows
    one that names a token, by its common or alternative name, needs not send it."""
    admin_hosts: tuple[str, ...] = setting(hosts, "", own=True)
    """Hosts under which an Admin API without a token may be called, beside loopback ones and those
    of `admin_listen`."""
    worker_watchdog: float = setting(seconds, "10s", own=True)
    """A worker that has not responded to its master for so long is ended and replaced; 0: never."""
    cluster_reconnect_min: float = setting(seconds, "5s", own=True)
    """The pause before the next attempt to reach the control plane is picked between this …"""
    cluster_reconnect_max: float = setting(seconds, "10s", own=True)
    """… and this."""

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Self:
        """Turn raw texts by setting name into settings; unknown names are left out.

        Raises ``SettingsError`` listing every text that cannot be read.
        """
        found, problems = {}, []
        for item in fields(cls):
            if item.name in values:
                try:
                    found[item.name] = item.metadata["parse"](values[item.name])
                except ValueError as error:
                    problems.append(f"{env_name(item.name)}: {error}")
        if problems:
            raise SettingsError(*problems)
        return cls(**found)

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> Self:
        """Parse, and check the settings among each other and with the files they name.

        Raises ``SettingsError`` listing every problem.
        """
        settings = cls.parse(values)
        problems = list(settings._contradictions())
        if problems:
            raise SettingsError(*problems)
        return settings

    @property
    def store(self) -> str:
        """The database in force: ``database``, or the role's default."""
        return self.database or ("sqlite" if self.role == "control_plane" else "off")

    def read_admin_token(self) -> str | None:
        """Return the token of the Admin API, or None when it is open. Raises ``SettingsError``."""
        if self.admin_token_file is None:
            return self.admin_token
        try:
            return Path(self.admin_token_file).read_text().strip() or None
        except OSError as error:
            raise SettingsError(
                f"KONG_ADMIN_TOKEN_FILE: cannot read {self.admin_token_file}: {error.strerror}"
            ) from None

    def _contradictions(self) -> Iterator[str]:
        """Yield what is wrong between settings, and with the files they name."""
        if self.role == "control_plane" and self.store == "off":
            yield "KONG_DATABASE: a control plane needs sqlite or postgres, not off"
        if self.role != "control_plane" and self.store != "off":
            yield f"KONG_DATABASE: role {self.role} keeps no database; set it to off"
        if self.role == "data_plane":
            yield from self._missing("cluster_cert", "cluster_cert_key")
            if self.declarative_config is not None:
                yield (
                    "KONG_DECLARATIVE_CONFIG: a data plane gets its configuration from the "
                    "control plane; remove it, or set KONG_ROLE=traditional"
                )
        if self.role == "control_plane" and self.cluster_listen:
            yield from self._missing("cluster_cert", "cluster_cert_key")
            if self.cluster_mtls == "pki":
                yield from self._missing("cluster_ca_cert")
        yield from self._unnamed_clients()
        if len(self.ssl_cert) != len(self.ssl_cert_key):
            yield "KONG_SSL_CERT_KEY: as many keys as certificates in KONG_SSL_CERT are needed"
        if self.cluster_reconnect_min > self.cluster_reconnect_max:
            yield f"{OURS}CLUSTER_RECONNECT_MIN: must not be above {OURS}CLUSTER_RECONNECT_MAX"
        if self.store == "postgres":
            yield from self.postgres_contradictions()
            if self.keyring_file is None:
                yield (
                    "KONG_KEYRING_FILE: needed with KONG_DATABASE=postgres, the same for all its "
                    "control planes: releases are encrypted with it"
                )
        yield from self._unreadable()

    def _unnamed_clients(self) -> Iterator[str]:
        """Kong's kong.conf.default, real_ip_header: "at least one of the proxy_listen entries"."""
        named = self.real_ip_header == PROXY_PROTOCOL
        if named and self.proxy_listen and not any(a.proxy_protocol for a in self.proxy_listen):
            yield (
                "KONG_REAL_IP_HEADER: proxy_protocol, and no address in KONG_PROXY_LISTEN has that "
                "word; add it behind those that the load balancer connects to"
            )

    def _missing(self, *names: str) -> Iterator[str]:
        for name in names:
            if getattr(self, name) is None:
                yield f"{env_name(name)}: needed for role {self.role}; give a path or PEM text"

    def _unreadable(self) -> Iterator[str]:
        named = [
            (name, getattr(self, name))
            for name in ("cluster_cert", "cluster_cert_key", "cluster_ca_cert")
        ]
        for name in ("ssl_cert", "ssl_cert_key", "lua_ssl_trusted_certificate"):
            named += [(name, item) for item in getattr(self, name) if item != SYSTEM]
        for name, value in named:
            try:
                read_pem(value or "-----BEGIN ", env_name(name))
            except SettingsError as error:
                yield str(error)
        if self.proxy_access_log != "off" and not _writable(Path(self.proxy_access_log)):
            yield f"KONG_PROXY_ACCESS_LOG: cannot write {self.proxy_access_log}"
        for name in ("declarative_config", "env_file", "admin_token_file", "keyring_file"):
            path = getattr(self, name)
            if path is not None and not os.access(path, os.R_OK):
                yield f"{env_name(name)}: cannot read {path}"


def _writable(path: Path) -> bool:
    return os.access(path if path.exists() else path.parent, os.W_OK)


NAMES = tuple(item.name for item in fields(Settings))
OWN = frozenset(item.name for item in fields(Settings) if item.metadata.get("own"))
"""Settings that Kong does not have."""


def env_name(name: str) -> str:
    """Return the environment variable of a setting."""
    return (OURS if name in OWN else KONG) + name.upper()
