# SPDX-License-Identifier: Apache-2.0
"""The file with the values of vault references: ``NAME=value`` lines, as systemd reads them."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import SettingsError
from gateway.settings.settings import NAMES, env_name


def read_vault_file(path: Path) -> dict[str, str]:
    """Return the values by name. Raises ``SettingsError``, whose text never holds a value.

    ``#`` begins a comment line; one pair of quotes around a value is taken off.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"KAFKA_GATEWAY_ENV_FILE: cannot read {path}: {reason}") from None
    values = {}
    for number, line in enumerate(lines, 1):
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or not name.strip().replace("_", "a").isalnum():
            raise SettingsError(f"{path}:{number}: expected NAME=value")
        values[name.strip()] = _unquoted(value.strip())
    return values


def vault_settings(values: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of vaults among raw settings, by the names of their variables.

    So that a kong.conf may hold them: ``vault_hcv_host`` is ``KONG_VAULT_HCV_HOST``.
    """
    return {
        env_name(name): text
        for name, text in values.items()
        if name.startswith("vault_") and name not in NAMES
    }


def readable_by_others(path: Path) -> bool:
    """Tell whether any user of this machine may read the file."""
    return bool(path.stat().st_mode & stat.S_IROTH)


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
