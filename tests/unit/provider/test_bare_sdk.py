# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_starting_the_plugin_imports_no_resource_and_no_sdk() -> None:
    code = (
        "import sys, runpy; sys.argv = ['x']; sys.path.insert(0, '')\n"
        "runpy.run_path('provider/__main__.py', run_name='loaded')\n"
        "heavy = {'confluent_kafka', 'cryptography', 'pydantic', 'pulumi.resource'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
