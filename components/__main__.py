# SPDX-License-Identifier: Apache-2.0
"""Serve the components to the engine as the package ``kafka-gateway``."""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a folder by the language host: import from the repository, not from this folder.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from components.package.host import serve  # noqa: E402

if __name__ == "__main__":
    serve()
