# SPDX-License-Identifier: Apache-2.0
"""Where settings come from: environment variables over an optional kong.conf."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.errors import SettingsError
from gateway.names.spelling import nearest_word
from gateway.settings.declaration import KONG, OURS
from gateway.settings.settings import NAMES, OWN, env_name
from gateway.settings.tracing import standard_tracing

DEFAULT_FILE = Path("/etc/kong/kong.conf")

WITHOUT_EFFECT = tuple(
    """
    admin_access_log admin_api_uri admin_error_log admin_gui_ anonymous_reports audit_log_
    cluster_allowed_common_names cluster_ocsp cluster_rpc cluster_telemetry_ cluster_use_proxy
    db_cache_ db_update_ dedicated_config_processing dns_ enforce_rbac headers_upstream
    incremental_sync license_ lmdb_ lua_max_ lua_package_ lua_socket_ lua_ssl_protocols
    lua_ssl_verify_depth nginx_ node_id opentelemetry_ pg_ port_maps portal
    proxy_error_log proxy_server rbac router_ smtp ssl_cipher ssl_dhparam ssl_prefer_server
    ssl_protocols ssl_session status_access_log status_error_log stream_listen tracing_
    upstream_keepalive_ vitals wasm worker_consistency worker_state
    """.split()  # noqa: SIM905
)
"""Beginnings of Kong settings that are known and change nothing here: no warning for them."""


PROMISING = {
    "audit_log_ignore": "the audit log has every write, and no reads",
    "audit_log_payload_exclude": "values that may be secret are never in the audit log",
    "audit_log_signing_key": "entries of the audit log are not signed",
    "cluster_allowed_common_names": "every certificate of the authority in "
    "KONG_CLUSTER_CA_CERT is let in; give data planes an authority of their own",
    "cluster_ocsp": "certificates of data planes are not checked for revocation",
    "cluster_use_proxy": "a data plane connects to its control plane without a proxy",
    "enforce_rbac": "roles are those of tokens, and hold wherever a token is asked for",
    "headers_upstream": "X-Kong-Request-Id is always sent",
    "pg_iam_auth": "AWS IAM is not asked for passwords; set KONG_PG_PASSWORD",
    "pg_ro_": "one server is read and written: the one in KONG_PG_HOST",
    "port_maps": "ports are those of the listeners",
    "portal": "there is no developer portal",
    "proxy_server": "a data plane connects to its control plane without a proxy",
    "rbac": "roles are those of tokens, which kafka-gateway token makes",
    "stream_listen": "the gateway serves HTTP alone",
    "tracing_": "the plugin opentelemetry records spans without it, by its own settings",
    "wasm": "there are no filters",
}
"""Beginnings of Kong settings that promise what is not there, and what is instead."""
_WITHOUT_POSTGRES = {"pg_": "it is for a control plane with KONG_DATABASE=postgres"}
_LOGS = ("_access_log", "_error_log")
_OFF = frozenset(("", "off", "false", "none", "no", "0"))


def collect(environment: Mapping[str, str], file: Path | None = None) -> dict[str, str]:
    """Return raw texts by setting name: those of ``file``, then the environment's over them.

    What neither says of traces is taken from OpenTelemetry's variables.

    Without ``file`` Kong's usual place is read if it is there. Raises ``SettingsError``.
    """
    values = standard_tracing(environment)
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
    """Return one sentence for each setting that is unknown, or promises what is not there."""
    postgres = values.get("database", "").strip().lower() == "postgres"
    known = [name for name in NAMES if postgres or not name.startswith("pg_")]
    variables = [env_name(name) for name in known]
    promising = PROMISING if postgres else PROMISING | _WITHOUT_POSTGRES
    given = sorted(name for name in environment if name.startswith((KONG, OURS)))
    found = [
        _unknown(name, name.removeprefix(KONG), environment[name], variables, promising)
        for name in given
    ]
    rest = sorted(name for name in values if env_name(name) not in environment)
    found += [_unknown(name, name, values[name], known, promising) for name in rest]
    return [text for text in found if text]


def _unknown(
    shown: str, name: str, value: str, names: list[str], promising: Mapping[str, str]
) -> str:
    # Vaults read their settings themselves: KONG_VAULT_HCV_HOST.
    if shown in names or name.lower().startswith("vault_"):
        return ""
    near = nearest_word(shown, names)
    for beginning, why in promising.items():
        # Kong's charts say where the logs of all its parts go, also of those that are off.
        if name.lower().startswith(beginning) and not name.lower().endswith(_LOGS):
            return "" if value.strip().lower() in _OFF else f"{shown}: has no effect: {why}"
    # A near miss is reported even where Kong has many settings that change nothing here.
    if name.lower().startswith(WITHOUT_EFFECT) and not nearest_word(shown, names, 0.93):
        return ""
    return f"{shown}: unknown setting, ignored" + (f"; did you mean {near}?" if near else "")


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
