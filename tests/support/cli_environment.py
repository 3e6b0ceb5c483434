# SPDX-License-Identifier: Apache-2.0
"""What Pulumi's CLI sees of the environment where a test runs a project of somebody else."""

from __future__ import annotations

import os
from pathlib import Path


def cli_environment(folder: Path, state: Path | None = None, /, **more: str) -> dict[str, str]:
    """Return the variables: home and state in ``folder``, and nothing is fetched.

    ``state`` is another folder for the state. ``PATH`` is the caller's to add.
    """
    return {
        "HOME": os.environ["HOME"],
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{state or folder}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_ERROR_OUTPUT_STRING": "true",
        **more,
    }
