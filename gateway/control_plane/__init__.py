# SPDX-License-Identifier: Apache-2.0
"""The control plane: releases in a database, the Admin API, the hybrid protocol to data planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings.settings import Settings


def run_control_plane(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; see ``gateway.control_plane.server``."""
    # Imported only here: the provider and the command line import parts of this package.
    from gateway.control_plane.server import run_control_plane as run

    run(settings)


__all__ = ["run_control_plane"]
