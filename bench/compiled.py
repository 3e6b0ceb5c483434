# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.compiled MODULE ARGUMENTS``: run a module as workers run the request path.

That is compiled where it is installed, and in Python elsewhere.
"""

from __future__ import annotations

import runpy
import sys

from gateway.compiled import use_compiled

if __name__ == "__main__":
    use_compiled()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
