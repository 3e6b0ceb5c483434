# SPDX-License-Identifier: Apache-2.0
"""Give the chart a version that changes with its content.

Helm, and Pulumi's helm.v3.Release, notice an edited local chart only when its version changes. So
the version is the project's own, from pyproject.toml, and a digest over everything in the chart:
``0.1.0+4f2a90c1d3b7``. Files count by path and content; Chart.yaml counts without the two lines
that are written here. `tools/chart_version` writes them, ``--check`` only compares.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "gateway" / "chart"
WRITTEN = re.compile(r"^(version|appVersion): .*$", re.MULTILINE)


def content_digest(chart: Path) -> str:
    """Return 12 hex digits over all files below ``chart``."""
    found = hashlib.sha256()
    for file in sorted(path for path in chart.rglob("*") if path.is_file()):
        name = file.relative_to(chart).as_posix()
        content = file.read_bytes()
        if name == "Chart.yaml":
            content = WRITTEN.sub("", content.decode()).encode()
        found.update(f"{name}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:12]


def project_version(pyproject: Path) -> str:
    """Return the project's version, the only place where it is written by hand."""
    version: str = tomllib.loads(pyproject.read_text())["project"]["version"]
    return version


def with_version(text: str, version: str, digest: str) -> str:
    """Return Chart.yaml's text with both versions in place."""
    lines = {"version": f"version: {version}+{digest}", "appVersion": f'appVersion: "{version}"'}
    return WRITTEN.sub(lambda line: lines[line.group(1)], text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the version, or check it; 1 when ``--check`` finds another one."""
    parser = argparse.ArgumentParser(prog="tools/chart_version", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, say whether it is right"
    )
    chosen = parser.parse_args(arguments)
    file = CHART / "Chart.yaml"
    text = file.read_text()
    wanted = with_version(text, project_version(ROOT / "pyproject.toml"), content_digest(CHART))
    if wanted == text:
        return 0
    if chosen.check:
        print(
            f"{file} does not carry its content's version: run tools/chart_version", file=sys.stderr
        )
        return 1
    file.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
