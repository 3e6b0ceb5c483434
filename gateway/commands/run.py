# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway run``: be the node that the settings describe, until SIGTERM."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import GatewayError, SettingsError
from gateway.settings.settings import Settings, env_name
from gateway.settings.sources import collect, unknown_settings


def command(env_file: Path | None = None, conf: Path | None = None) -> None:
    """Run a data plane, a control plane or a standalone node, as KONG_ROLE says.

    ENV_FILE has the values of vault references, CONF is a kong.conf; SIGHUP reads both again.
    """
    sys.exit(start(env_file, conf))


def start(env_file: Path | None = None, conf: Path | None = None) -> int:
    """Run until stopped; return the exit code."""
    if env_file is not None:
        os.environ[env_name("env_file")] = str(env_file)

    def read_values() -> Mapping[str, str]:
        return collect(os.environ, conf)

    try:
        values = read_values()
        for warning in unknown_settings(values, os.environ):
            print(f"warning: {warning}", file=sys.stderr)
        if values.get("role", "").strip().lower() == "control_plane":
            # Late, since each role loads only its own half.
            from gateway.control_plane.server import run_control_plane

            run_control_plane(Settings.from_values(values))
        else:
            from gateway.data_plane.launch import run_data_plane

            run_data_plane(read_values)
    except SettingsError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return 1
    except GatewayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
