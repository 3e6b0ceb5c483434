# SPDX-License-Identifier: Apache-2.0
"""Every setting of the runtime, read from the environment and an optional kong.conf.

Kong's own settings are ``KONG_<NAME>`` in the environment and ``<name>`` in the file, with Kong's
values and, except where design says otherwise, Kong's defaults. What Kong does not have is
``KAFKA_GATEWAY_<NAME>`` and ``kafka_gateway_<name>``. The environment wins over the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import SettingsError
from gateway.listen import ListenAddress, parse_listen
from gateway.pem import SYSTEM, read_pem
from gateway.setting_types import (
    Items,
    Labels,
    Listen,
    Networks,
    Seconds,
    Size,
    Switch,
    Text,
    Word,
    Workers,
)

DEFAULT_FILE = Path("/etc/kong/kong.conf")
KONG, OURS = "KONG_", "KAFKA_GATEWAY_"

LogLevel = Literal["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"]

WITHOUT_EFFECT = tuple(
    """
    admin_access_log admin_api_uri admin_error_log admin_gui_ anonymous_reports audit_log
    cluster_allowed_common_names cluster_ocsp cluster_rpc cluster_telemetry_ cluster_use_proxy
    db_cache_ db_update_ dedicated_config_processing dns_ enforce_rbac headers_upstream
    incremental_sync license_ lmdb_ lua_max_ lua_package_ lua_socket_ lua_ssl_protocols
    lua_ssl_verify_depth mem_cache_size nginx_ node_id opentelemetry_ pg_ port_maps portal
    proxy_error_log proxy_server rbac router_ smtp ssl_cipher ssl_dhparam ssl_prefer_server
    ssl_protocols ssl_session status_access_log status_error_log stream_listen tracing_
    upstream_keepalive_ vitals wasm worker_consistency worker_state
    """.split()  # noqa: SIM905
)
"""Beginnings of Kong settings that are known and change nothing here: no warning for them."""


def _default_prefix() -> str:
    kong = Path("/usr/local/kong")
    return str(kong if os.access(kong, os.W_OK) else Path.home() / ".kafka-gateway")


class Settings(BaseModel):
    """All settings, checked. Field names are the settings' names; ``OWN`` lists those of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # What this node is.
    role: Annotated[Literal["control_plane", "data_plane", "traditional"], Word] = "traditional"
    database: Annotated[Literal["", "off", "sqlite", "postgres"], Word] = ""
    """Empty: ``sqlite`` for a control plane, else ``off``."""
    declarative_config: Text = None
    prefix: str = Field(default_factory=_default_prefix)
    log_level: Annotated[LogLevel, Word] = "notice"
    plugins: Items = ("bundled",)

    # Where it listens.
    proxy_listen: Listen = parse_listen("0.0.0.0:8000, 0.0.0.0:8443 ssl")
    admin_listen: Listen = parse_listen("127.0.0.1:8001")
    cluster_listen: Listen = parse_listen("0.0.0.0:8005")
    status_listen: Listen = parse_listen("127.0.0.1:8100")
    ssl_cert: Items = ()
    ssl_cert_key: Items = Field(default=(), repr=False)
    admin_ssl_cert: Items = ()
    admin_ssl_cert_key: Items = Field(default=(), repr=False)

    # Between control plane and data plane.
    cluster_control_plane: str = "127.0.0.1:8005"
    cluster_server_name: Text = None
    cluster_mtls: Annotated[Literal["shared", "pki"], Word] = "shared"
    cluster_cert: Text = None
    cluster_cert_key: Text = Field(default=None, repr=False)
    cluster_ca_cert: Text = None
    cluster_max_payload: Size = Field(default=16 * 1024**2, ge=4 * 1024**2)
    cluster_dp_labels: Labels = Field(default_factory=dict)
    cluster_data_plane_purge_delay: Seconds = 1209600.0
    lua_ssl_trusted_certificate: Items = (SYSTEM,)
    konnect_mode: Switch = False
    admin_token: Text = Field(default=None, repr=False)
    admin_token_file: Text = None

    # How requests are taken and answered.
    nginx_worker_processes: Workers = 0
    """Number of workers; 0 stands for ``auto``: one for each processor this node may use."""
    headers: Items = ("server_tokens", "latency_tokens", "X-Kong-Request-Id")
    trusted_ips: Networks = ()
    real_ip_header: str = "X-Real-IP"
    real_ip_recursive: Switch = False
    error_default_type: Literal[
        "text/plain", "text/html", "application/json", "application/xml"
    ] = "text/plain"
    allow_debug_header: Switch = False
    proxy_access_log: str = "off"
    """``off``, or a file the log phase writes one JSON line per request to."""
    nginx_http_client_max_body_size: Size = 0
    """Largest body of any request, also a streamed one; 0: no limit (Kong's default)."""
    untrusted_lua: Annotated[Literal["on", "off", "lax", "strict", "sandbox"], Word] = "sandbox"
    untrusted_lua_sandbox_requires: Items = ()
    untrusted_lua_sandbox_environment: Items = ()

    # Ours.
    env_file: Text = None
    """File with NAME=value lines that vault references read before the environment; see SIGHUP."""
    client_max_body_size: Size = 1024**2
    """Largest body that is kept whole for a plugin."""
    client_header_timeout: Seconds = 60.0
    client_body_timeout: Seconds = 60.0
    idle_timeout: Seconds = 75.0
    max_connections: int = Field(default=16384, ge=1)
    """Open connections of one worker."""
    max_header_size: Size = 32768
    max_request_line: Size = 8192
    drain_timeout: Seconds = 12.0
    """How long a stopping worker waits for requests under way and for Kafka."""
    cluster_reconnect_min: Seconds = 5.0
    cluster_reconnect_max: Seconds = 10.0
    """The pause before the next attempt to reach the control plane is picked between these two."""

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> Self:
        """Check raw texts by setting name. Raises ``SettingsError`` listing every problem."""
        known = {name: text for name, text in values.items() if name in cls.model_fields}
        try:
            settings = cls(**known)
        except ValidationError as error:
            raise SettingsError(*_problems(error)) from None
        problems = list(settings._contradictions())
        if problems:
            raise SettingsError(*problems)
        return settings

    @property
    def store(self) -> Literal["off", "sqlite", "postgres"]:
        """The database in force: what ``database`` says, or the role's default."""
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
        if len(self.ssl_cert) != len(self.ssl_cert_key):
            yield "KONG_SSL_CERT_KEY: as many keys as certificates in KONG_SSL_CERT are needed"
        if self.cluster_reconnect_min > self.cluster_reconnect_max:
            yield f"{OURS}CLUSTER_RECONNECT_MIN: must not be above {OURS}CLUSTER_RECONNECT_MAX"
        host, _, port = self.cluster_control_plane.rpartition(":")
        if not host or not port.isdigit():
            yield "KONG_CLUSTER_CONTROL_PLANE: expected host:port"
        yield from self._unreadable()

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
        for name in ("declarative_config", "env_file", "admin_token_file"):
            path = getattr(self, name)
            if path is not None and not os.access(path, os.R_OK):
                yield f"{env_name(name)}: cannot read {path}"


OWN = frozenset(list(Settings.model_fields)[list(Settings.model_fields).index("env_file") :])
"""Settings that Kong does not have."""


def env_name(name: str) -> str:
    """Return the environment variable of a setting."""
    return (OURS if name in OWN else KONG) + name.upper()


def collect(environment: Mapping[str, str], file: Path | None = None) -> dict[str, str]:
    """Return raw texts by setting name: those of ``file``, then the environment's over them.

    Without ``file`` Kong's usual place is read if it is there. Raises ``SettingsError``.
    """
    values = {}
    chosen = file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    if chosen is not None:
        values.update(_read_file(chosen))
    for variable, text in environment.items():
        for prefix in (KONG, OURS):
            name = variable.removeprefix(prefix).lower()
            if variable.startswith(prefix) and (prefix == OURS) == (name in OWN):
                values[name] = text
    return values


def unknown_settings(values: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Return one sentence for each setting nobody knows, with the nearest name that exists."""
    variables = [env_name(name) for name in Settings.model_fields]
    given = sorted(name for name in environment if name.startswith((KONG, OURS)))
    found = [_unknown(name, name.removeprefix(KONG), variables) for name in given]
    rest = sorted(name for name in values if env_name(name) not in environment)
    found += [_unknown(name, name, list(Settings.model_fields)) for name in rest]
    return [text for text in found if text]


def _unknown(shown: str, name: str, names: list[str]) -> str:
    if shown in names:
        return ""
    near = get_close_matches(shown, names, 1, 0.6)
    # A near miss is reported even where Kong has many settings that change nothing here.
    if name.lower().startswith(WITHOUT_EFFECT) and not get_close_matches(shown, names, 1, 0.93):
        return ""
    return f"{shown}: unknown setting, ignored" + (f"; did you mean {near[0]}?" if near else "")


def load_settings(
    environment: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """Read and check all settings. Raises ``SettingsError`` listing every problem."""
    return Settings.from_values(collect(os.environ if environment is None else environment, file))


def _read_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    values, problems = {}, []
    for number, line in enumerate(lines, 1):
        text = line.split("#", 1)[0].strip()
        name, equals, value = text.partition("=")
        if equals:
            values[name.strip().lower().removeprefix(OURS.lower())] = value.strip()
        elif text:
            problems.append(f"{path}:{number}: expected name = value")
    if problems:
        raise SettingsError(*problems)
    return values


def _problems(error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        context: dict[str, Any] = item.get("ctx", {})
        text = f"expected {context['expected']}" if "expected" in context else item["msg"]
        yield f"{env_name(name)}: {text.removeprefix('Value error, ')}"


__all__ = [
    "ListenAddress", "Settings", "collect", "env_name", "load_settings", "unknown_settings",
]  # fmt: skip
