# SPDX-License-Identifier: Apache-2.0
"""The gateway runtime: control plane, data plane, plugins and command line."""

from importlib.metadata import version

__version__ = version("kafka-gateway")

COMPATIBLE_WITH = "3.10.0"
"""The Kong version whose configuration, Admin API and hybrid protocol this release speaks."""
