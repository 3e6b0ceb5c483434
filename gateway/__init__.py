# SPDX-License-Identifier: Apache-2.0
"""The gateway runtime: control plane, data plane, plugins and command line."""

from __future__ import annotations

COMPATIBLE_WITH = "3.10.0"
"""The Kong version whose configuration, Admin API and hybrid protocol this release speaks."""


def __getattr__(name: str) -> str:
    """Look the version up when it is first asked for: that costs 50 ms, a fifth of a start."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    found = version("kafka-gateway")
    globals()[name] = found
    return found
