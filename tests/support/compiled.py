# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.compiled ARGUMENTS``: pytest, with the request path compiled.

As workers have it, and in one process: others would not have it.
"""

from __future__ import annotations

import sys

from gateway.compiled import use_compiled

if __name__ == "__main__":
    if not use_compiled():
        sys.exit("the compiled request path is not installed: `make native`")
    # Late: nothing of the gateway may be loaded before.
    import pytest

    # How mypyc's own C throws into a generator; from Python 3.12 on that is warned of.
    throws = "ignore:the (type, exc, tb) signature of throw:DeprecationWarning"
    sys.exit(pytest.main(["-p", "no:xdist", "-W", throws, *sys.argv[1:]]))
